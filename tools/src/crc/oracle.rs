//! The CRC that a scene must have: predicted where the driver's arithmetic is modelled (vkms), else
//! read from the same image composed in memory and shown on the primary plane.
//!
//! It never guesses: where neither is possible it says why, and the test is skipped.

use kms::crc::CrcEntry;
use kms::crc::vkms::{self, Composer, Gamma, ModelOptions, ModelPlane, Scene as ModelScene};

use super::args::JudgeBy;
use super::error::Error;
use super::image::{Alpha, Image};
use super::scene::{Ctm, Layer, Scene};
use super::screen::Screen;
use crate::kernel;

/// Computes expected CRCs.
pub struct Oracle {
    composer: Composer,
    /// Why CRCs cannot be predicted. Scenes are then compared with their composed image.
    unpredictable: Option<String>,
}

/// The expected CRC, or why there is none.
type Expected = Result<CrcEntry, String>;

impl Oracle {
    /// For a screen whose CRCs are taken at `source`.
    pub fn new(screen: &Screen, source: &str, judge: JudgeBy) -> Self {
        let unpredictable = match judge {
            JudgeBy::Best => Self::why_not(screen, source),
            JudgeBy::Composition => Some("it is not predicted, as was asked".to_owned()),
        };
        Self { composer: Composer::default(), unpredictable }
    }

    fn why_not(screen: &Screen, source: &str) -> Option<String> {
        match (screen.device.is_vkms(), vkms::release(&kernel::release())) {
            (true, Ok(())) if source == "auto" => None,
            (true, Ok(())) => Some(format!("source {source} does not cover the whole image")),
            (true, Err(error)) => Some(error.to_string()),
            (false, _) => Some(format!("there is no model of {}", screen.device.driver())),
        }
    }

    /// What images the expected CRCs can be known of.
    pub fn alpha(&self) -> Alpha {
        if self.unpredictable.is_none() { Alpha::Any } else { Alpha::Hard }
    }

    /// `prediction` or `composition`.
    pub fn method(&self) -> &'static str {
        if self.unpredictable.is_none() { "prediction" } else { "composition" }
    }

    /// The CRC that the scene must have. Where it cannot be predicted, the composed image is shown
    /// to read it.
    pub fn expected(&mut self, screen: &mut Screen, scene: &Scene) -> Result<Expected, Error> {
        if self.unpredictable.is_none() && scene.ctm.is_none() && scene.degamma.is_empty() {
            return Ok(self.predicted(screen, scene));
        }
        self.composed(screen, scene)
    }

    fn predicted(&mut self, screen: &Screen, scene: &Scene) -> Expected {
        let mut value = 0;
        self.with_model(screen, scene, |composer, scene| value = composer.frame(scene))?;
        Ok(CrcEntry::new(None, &[value]))
    }

    /// Composes the scene in memory, shows the image on the primary plane alone and returns its
    /// CRC. Only for scenes that are exact in XRGB8888.
    pub fn composed(&mut self, screen: &mut Screen, scene: &Scene) -> Result<Expected, Error> {
        let exact = scene.gamma.is_empty()
            && scene.degamma.is_empty()
            && scene.ctm != Some(Ctm::Grey)
            && scene.background == 0
            && scene.layers.iter().all(Layer::is_exact);
        if !exact {
            return Ok(Err(match &self.unpredictable {
                Some(why) => format!("each display rounds it in its own way, and {why}: use record and verify"),
                None => "not exact in 8 bits".to_owned(),
            }));
        }
        match self.image(screen, scene)? {
            Err(reason) => Ok(Err(reason)),
            Ok(image) => screen.show(&Scene::from_layers([Layer::whole(0, &image.into(), (0, 0))])),
        }
    }

    /// The scene composed in memory as XRGB8888, or why that cannot be modelled.
    pub fn image(&mut self, screen: &Screen, scene: &Scene) -> Result<Result<Image, String>, Error> {
        let mut image = Image::new(&screen.device, dmabuf_import::Fourcc::Xrgb8888, screen.size())?;
        let scene_ctm = scene.ctm;
        let mut lines = image.lines_mut();
        let made = self.with_model(screen, scene, |composer, scene| {
            composer.picture(scene, |_, line| {
                let to = lines.next().unwrap_or_default();
                for (to, pixel) in to.as_chunks_mut::<4>().0.iter_mut().zip(line) {
                    *to = vkms::xrgb8888(*pixel).to_le_bytes();
                    if scene_ctm == Some(Ctm::SwapRedBlue) {
                        to.swap(0, 2);
                    }
                }
            });
        });
        Ok(made.map(|()| image))
    }

    fn with_model(
        &mut self,
        screen: &Screen,
        scene: &Scene,
        run: impl FnOnce(&mut Composer, &ModelScene<'_>),
    ) -> Result<(), String> {
        let (width, height) = screen.size();
        let mut layers: Vec<&Layer> = scene.layers.iter().collect();
        layers.sort_by_key(|layer| screen.planes[layer.plane].id);
        let planes: Result<Vec<_>, String> = layers.into_iter().map(model_plane).collect();
        let gamma = match scene.gamma.is_empty() {
            true => None,
            false => Some(Gamma::new(&scene.gamma).ok_or("a LUT of this length is not modelled")?),
        };
        let planes = planes?;
        let background = scene.background;
        run(&mut self.composer, &ModelScene { width, height, background, gamma: gamma.as_ref(), planes: &planes });
        Ok(())
    }
}

fn model_plane(layer: &Layer) -> Result<ModelPlane<'_>, String> {
    if layer.alpha != u16::MAX {
        return Err("plane alpha is not modelled".to_owned());
    }
    if layer.blend != kms::Blend::Premultiplied {
        return Err("this pixel blend mode is not modelled".to_owned());
    }
    let (encoding, range) = layer.encoding.unwrap_or_default();
    let options = ModelOptions { turn: layer.rotation, encoding, range, pipeline: &layer.pipeline };
    ModelPlane::of(&layer.image.as_model(), layer.src, layer.dst, &options).map_err(|error| error.to_string())
}
