//! From what a client wants of displays to what is chosen for them. Values that have no error in the
//! protocol are brought into their bounds here.

use kms::{ConnectorId, Mode, inventory::Connector};
use protocols::output_management::{HeadWish, ModeWish, Wanted};
use smithay::utils::Transform;

use crate::{
    config::output::FARTHEST,
    output::{
        card::{light::transform_of, monitor::Monitor},
        choices::{Choice, Place},
        state::Output,
    },
    session::Syncline,
    surface::transform,
    system::scale::Scale,
};

/// What is to be chosen for a display; `None`: nothing any more.
#[derive(Debug, Clone)]
pub struct Chosen {
    pub place: Place,
    pub connector: ConnectorId,
    pub choice: Option<Choice>,
}

impl Syncline {
    fn is_mirror(&self, card: kms::CardSerial, connector: ConnectorId) -> bool {
        let is = |output: &&Output| output.is_on(card) && output.kms.connector_id() == connector;
        self.outputs.list.iter().find(is).is_some_and(|output| output.mirror.is_some())
    }

    /// What is chosen if these wishes are granted. Error: a display lacks what is wanted of it.
    pub fn choices_of(&self, wishes: &[(Place, ConnectorId, HeadWish)]) -> Result<Vec<Chosen>, String> {
        let chosen = |(place, id, wish): &(Place, ConnectorId, HeadWish)| {
            let connector = self.outputs.cards.get(place.card).and_then(|card| card.inventory.connector(*id));
            let connector = connector.ok_or_else(|| format!("{}: the display is gone", place.name))?;
            let before = self.displays.choices.get(place.card, &place.name).cloned().unwrap_or_default();
            let choice = match &wish.on {
                None => Choice { monitor: Monitor::of(connector), on: Some(false), ..before },
                // The place that is told of a mirror is that of its source, and no wish.
                Some(wanted) if self.is_mirror(place.card, *id) => {
                    choice_of(connector, before, &Wanted { position: None, ..*wanted })?
                }
                Some(wanted) => choice_of(connector, before, wanted)?,
            };
            Ok(Chosen { place: place.clone(), connector: *id, choice: Some(choice) })
        };
        wishes.iter().map(chosen).collect()
    }
}

/// What is chosen for a display that is to be on; `before`: what was chosen.
fn choice_of(connector: &Connector, before: Choice, wanted: &Wanted) -> Result<Choice, String> {
    let mode = wanted.mode.map(|wish| mode_of(connector, wish)).transpose()?;
    if wanted.adaptive_sync == Some(true) && !connector.vrr_capable() {
        return Err(format!("{}: the display has no variable refresh", connector.name));
    }
    let near = |at: i32| at.clamp(-FARTHEST, FARTHEST);
    let (least, greatest) = Scale::BOUNDS;
    Ok(Choice {
        monitor: Monitor::of(connector),
        on: Some(true),
        mode: mode.or(before.mode),
        position: wanted.position.map(|(x, y)| (near(x), near(y))).or(before.position),
        transform: wanted.transform.map(|to| configured(connector, to.into())).or(before.transform),
        scale: wanted.scale.and_then(|scale| Scale::of(scale.clamp(least, greatest))).or(before.scale),
        vrr: wanted.adaptive_sync.or(before.vrr),
        mirror: before.mirror,
    })
}

/// What has to be configured for a display to be turned so.
fn configured(connector: &Connector, turned: Transform) -> Transform {
    let upright = transform_of(connector.panel_orientation(), Transform::Normal);
    transform::then(turned, transform::reverse(upright))
}

/// The mode that is wanted. Error: the display has none.
fn mode_of(connector: &Connector, wish: ModeWish) -> Result<Mode, String> {
    let found = match wish {
        ModeWish::Listed(at) => connector.modes.get(at),
        ModeWish::Custom { width, height, refresh } => {
            /// How far off a refresh may be, in mHz.
            const CLOSE: u32 = 500;
            let refresh = refresh.unsigned_abs();
            let off = |mode: &&Mode| mode.refresh_mhz.abs_diff(refresh);
            let sizes = |mode: &&Mode| (mode.width, mode.height) == (width.unsigned_abs(), height.unsigned_abs());
            let modes = connector.modes.iter().filter(sizes);
            match refresh {
                0 => connector.preferred().filter(|mode| sizes(mode)).or_else(|| modes.clone().next()),
                _ => modes.min_by_key(off).filter(|mode| off(mode) <= CLOSE),
            }
        }
    };
    found.cloned().ok_or_else(|| match wish {
        ModeWish::Custom { width, height, refresh: 0 } => {
            format!("{}: the display has no mode {width}x{height}", connector.name)
        }
        ModeWish::Custom { width, height, refresh } => {
            let hz = f64::from(refresh) / 1000.0;
            format!("{}: the display has no mode {width}x{height}@{hz}", connector.name)
        }
        ModeWish::Listed(_) => format!("{}: the mode is gone", connector.name),
    })
}

#[cfg(test)]
mod tests {
    use kms::scripted::Stock;

    use super::*;

    fn connector() -> Connector {
        let mut connector = Stock::default().inventory().connectors.swap_remove(0);
        connector.modes.push(Stock::lesser_mode());
        connector
    }

    #[test]
    fn a_mode_is_found_by_its_size_and_about_its_refresh() {
        let custom = |width, height, refresh| ModeWish::Custom { width, height, refresh };
        let found = |wish| mode_of(&connector(), wish).map(|mode| mode.width);
        let table = [
            (ModeWish::Listed(1), Ok(800)),
            (custom(1024, 768, 0), Ok(1024)),
            (custom(800, 600, 0), Ok(800)),
            (custom(800, 600, 60_000), Ok(800)),
            (custom(1024, 768, 59_940), Ok(1024)),
        ];
        for (wish, expected) in table {
            assert_eq!(found(wish), expected, "{wish:?}");
        }
        for wish in [custom(800, 600, 75_000), custom(801, 600, 0), ModeWish::Listed(2), custom(i32::MAX, 1, i32::MAX)]
        {
            assert!(found(wish).unwrap_err().starts_with("Virtual-1: "), "{wish:?}");
        }
    }

    #[test]
    fn what_has_no_error_is_brought_into_its_bounds() {
        let wanted = Wanted { position: Some((i32::MAX, i32::MIN)), scale: Some(1e9), ..Wanted::default() };
        let choice = choice_of(&connector(), Choice::default(), &wanted).unwrap();
        assert_eq!(choice.position, Some((FARTHEST, -FARTHEST)));
        assert_eq!(choice.scale, Scale::of(Scale::BOUNDS.1));
        let wanted = Wanted { scale: Some(1.0 / 256.0), ..Wanted::default() };
        assert_eq!(choice_of(&connector(), choice, &wanted).unwrap().scale, Scale::of(Scale::BOUNDS.0));
    }

    #[test]
    fn a_panel_that_is_mounted_turned_is_turned_as_a_client_says() {
        use kms::inventory::PanelOrientation::RightUp;
        let connector = Stock { panel: Some(RightUp), ..Stock::default() }.inventory().connectors.swap_remove(0);
        for turned in [Transform::Normal, Transform::_90, Transform::_270, Transform::Flipped90] {
            assert_eq!(transform_of(Some(RightUp), configured(&connector, turned)), turned, "{turned:?}");
        }
    }

    #[test]
    fn only_a_display_that_can_varies_its_refresh() {
        let wanted = |on| Wanted { adaptive_sync: Some(on), ..Wanted::default() };
        assert!(choice_of(&connector(), Choice::default(), &wanted(true)).is_err());
        assert!(choice_of(&connector(), Choice::default(), &wanted(false)).is_ok());
    }
}
