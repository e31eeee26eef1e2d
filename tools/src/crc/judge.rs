//! What a scene must look like: by the driver's arithmetic where that is known, else by the same picture composed in memory.
//!
//! Never guesses: a scene that neither can tell is skipped with the reason.

use kms::crc::CrcEntry;
use kms::crc::vkms::{self, Composer, Gamma, ModelOptions, ModelPlane, Scene as ModelScene};

use super::picture::Picture;
use super::scene::{Ctm, Layer, Scene};
use super::screen::Screen;
use super::trouble::Trouble;

/// How expectations are come by.
pub struct Judge {
    composer: Composer,
    /// Why the driver's arithmetic cannot be predicted; then scenes that need none are compared with their composed picture.
    unpredicted: Option<String>,
}

/// What a scene is expected to give, or why nobody knows.
type Expected = Result<CrcEntry, String>;

impl Judge {
    /// For a screen.
    pub fn new(screen: &Screen, source: &str) -> Self {
        let uname = rustix::system::uname();
        let unpredicted = match (screen.device.is_vkms(), vkms::release(&uname.release().to_string_lossy())) {
            (true, Ok(())) if source == "auto" => None,
            (true, Ok(())) => Some(format!("source {source} is not that of the whole picture")),
            (true, Err(error)) => Some(error.to_string()),
            (false, _) => Some(format!("the arithmetic of {} is not known", screen.device.driver())),
        };
        Self { composer: Composer::default(), unpredicted }
    }

    /// How it judges, in a word.
    pub fn method(&self) -> &'static str {
        if self.unpredicted.is_none() { "prediction" } else { "composition" }
    }

    /// The CRC that the scene must have. Shows its composed picture, where prediction is impossible.
    pub fn expected(&mut self, screen: &mut Screen, scene: &Scene) -> Result<Expected, Trouble> {
        if self.unpredicted.is_none() && scene.ctm.is_none() && scene.degamma.is_empty() {
            return Ok(self.predicted(screen, scene));
        }
        self.composed(screen, scene)
    }

    fn predicted(&mut self, screen: &Screen, scene: &Scene) -> Expected {
        let mut value = 0;
        self.with_model(screen, scene, |composer, scene| value = composer.frame(scene))?;
        Ok(CrcEntry::new(None, &[value]))
    }

    /// The CRC of the scene's picture on the primary plane alone.
    pub fn composed(&mut self, screen: &mut Screen, scene: &Scene) -> Result<Expected, Trouble> {
        let exact = scene.gamma.is_empty()
            && scene.degamma.is_empty()
            && scene.ctm != Some(Ctm::Grey)
            && scene.background == 0
            && !scene.piped()
            && scene.layers.iter().all(|layer| layer.encoding.is_none() && layer.alpha == u16::MAX);
        if !exact {
            return Ok(Err(self.unpredicted.clone().unwrap_or_else(|| "not exact in 8 bits".to_owned())));
        }
        match self.picture(screen, scene)? {
            Err(reason) => Ok(Err(reason)),
            Ok(picture) => screen.shot(&Scene::of([Layer::whole(0, &picture.into(), (0, 0))])),
        }
    }

    /// The scene as a picture of XRGB8888.
    pub fn picture(&mut self, screen: &Screen, scene: &Scene) -> Result<Result<Picture, String>, Trouble> {
        let mut picture = Picture::new(&screen.device, dmabuf_import::Fourcc::Xrgb8888, screen.size())?;
        let scene_ctm = scene.ctm;
        let mut lines = picture.lines_mut();
        let made = self.with_model(screen, scene, |composer, scene| {
            composer.picture(scene, |_, line| {
                let to = lines.next().unwrap_or_default();
                for (to, pixel) in to.as_chunks_mut::<4>().0.iter_mut().zip(line) {
                    *to = vkms::xrgb8888(*pixel).to_le_bytes();
                    if scene_ctm == Some(Ctm::Exchange) {
                        to.swap(0, 2);
                    }
                }
            });
        });
        Ok(made.map(|()| picture))
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
        let planes: Result<Vec<_>, String> = layers.into_iter().map(modelled).collect();
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

fn modelled(layer: &Layer) -> Result<ModelPlane<'_>, String> {
    if layer.alpha != u16::MAX {
        return Err("alpha of a whole plane is not modelled".to_owned());
    }
    if layer.blend != kms::Blend::Premultiplied {
        return Err("this pixel blend mode is not modelled".to_owned());
    }
    let (encoding, range) = layer.encoding.unwrap_or_default();
    let look = ModelOptions { turn: layer.turn, encoding, range, pipeline: &layer.pipeline };
    ModelPlane::of(&layer.picture.modelled(), layer.src, layer.dst, &look).map_err(|error| error.to_string())
}
