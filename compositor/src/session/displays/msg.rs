//! `syncline msg output NAME mode|scale|transform|position|vrr`: from the words to what is chosen.

use kms::{ModeRequest, inventory::Connector};

use crate::{
    config::output::{FARTHEST, transform_names, transform_of_name},
    control::{request::OutputWish, socket::Ticket},
    output::{
        card::monitor::Monitor,
        choices::{Choice, Place},
    },
    session::{
        Syncline,
        displays::wishes::Chosen,
        parts::displays::{Asked, Former},
    },
    system::scale::Scale,
};

impl Syncline {
    /// Changes how a display is shown; the answer comes when that is done. Error: why it is not even tried.
    pub fn set_output(&mut self, name: &str, wish: &OutputWish, ticket: Ticket) -> Result<(), String> {
        if self.displays.change.is_some() {
            return Err("another change of displays is being made; try again in a moment".to_owned());
        }
        let Some((card, connector)) = self.displays().find(|(_, connector)| connector.name == name) else {
            let known: Vec<_> = self.displays().map(|(_, connector)| connector.name.as_str()).collect();
            return Err(format!("there is no display `{name}`; the displays are: {}", known.join(", ")));
        };
        let place = Place { card: card.serial(), name: name.to_owned() };
        let before = self.displays.choices.get(place.card, name).cloned().unwrap_or_default();
        let (id, mode) = (connector.id, before.mode.clone());
        if let Some(of) = &wish.mirror {
            self.check_mirror(name, of)?;
        }
        let choice = Some(choice_of(connector, before, wish)?);
        let former = wish.mode.is_some().then(|| Former { place: place.clone(), connector: id, mode });
        let asked = Asked::Msg { ticket, former, keep: wish.keep };
        self.change_displays(vec![Chosen { place, connector: id, choice }], asked);
        Ok(())
    }
}

/// What is chosen after this wish. Error: what the display does not have, or what is no value.
fn choice_of(connector: &Connector, before: Choice, wish: &OutputWish) -> Result<Choice, String> {
    let name = &connector.name;
    let mode = wish.mode.as_ref().map(|text| {
        let request: ModeRequest = text.parse().map_err(|error: kms::ModeRequestError| error.to_string())?;
        let modes: Vec<String> = connector.modes.iter().map(|mode| mode.to_string()).collect();
        let lacks = || format!("{name} has no mode {request}; its modes are: {}", modes.join(", "));
        connector.mode_for(Some(request)).cloned().ok_or_else(lacks)
    });
    let scale = wish.scale.map(|factor| Scale::of(factor).ok_or_else(|| Scale::refusal(factor)));
    let transform = wish.transform.as_ref().map(|text| {
        let wrong = || format!("`{text}` is not a transform; write one of {}", transform_names());
        transform_of_name(text).ok_or_else(wrong)
    });
    if let Some([x, y]) = wish.position
        && (x.unsigned_abs() > FARTHEST.unsigned_abs() || y.unsigned_abs() > FARTHEST.unsigned_abs())
    {
        return Err(format!("the position {x} {y} is too far away; write -{FARTHEST} to {FARTHEST}"));
    }
    if wish.vrr == Some(true) && !connector.vrr_capable() {
        return Err(format!("{name} has no variable refresh (its connector says that it is not vrr_capable)"));
    }
    Ok(Choice {
        monitor: Monitor::of(connector),
        on: before.on,
        mode: mode.transpose()?.or(before.mode),
        position: wish.position.map(Into::into).or(before.position),
        transform: transform.transpose()?.or(before.transform),
        scale: scale.transpose()?.or(before.scale),
        vrr: wish.vrr.or(before.vrr),
        mirror: wish.mirror.clone().or(before.mirror),
    })
}
