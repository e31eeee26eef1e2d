//! How GL that runs on the CPU (Mesa's llvmpipe) draws a texture that is neither scaled nor turned.
//!
//! llvmpipe copies rows of such a texture where the shader and the triangles have a form that it
//! recognises, else it computes every pixel, which takes five times as long. Smithay's shader and
//! instances do not have that form. The result is the same. What is scaled, turned or
//! faded is left to Smithay, and so is everything on a GPU.

mod ioctl;

use std::cell::RefCell;

use smithay::{
    backend::{
        allocator::format::has_alpha,
        renderer::{
            Texture,
            gles::{GlesError, GlesFrame, GlesRenderer, GlesTexture},
        },
    },
    utils::{Buffer, Physical, Point, Rectangle, Size, Transform},
};

use crate::render::{Layer, Target, target};
use ioctl::{Program, Vertex};

/// More than llvmpipe frees at the end of a pass, and allocates again in the next one.
const KEPT: i32 = 16 << 20;

/// What is kept with a renderer's context.
struct Copier {
    program: Program,
    vertices: RefCell<Vec<Vertex>>,
}

/// Prepares a renderer whose GL runs on the CPU.
pub fn prepare(renderer: &mut GlesRenderer) {
    ioctl::keep_freed_memory(KEPT);
    match renderer.with_context(Program::new).map_err(|e| e.to_string()).flatten() {
        Ok(program) => {
            let copier = || Copier { program, vertices: RefCell::default() };
            renderer.egl_context().user_data().insert_if_missing(copier);
        }
        Err(error) => tracing::info!("textures are drawn pixel by pixel: {error}"),
    }
}

/// Draws what `rects` (relative to the layer) show of a layer's texture, in a frame of `size`.
/// Returns false if it has drawn nothing, because it must not or cannot.
pub fn draw(
    frame: &mut GlesFrame<'_, '_>,
    (target, size): (&Target, Size<i32, Physical>),
    texture: &GlesTexture,
    layer: &Layer,
    rects: &[Rectangle<i32, Physical>],
) -> Result<bool, GlesError> {
    if !layer.view.factor.is_one() {
        return Ok(false);
    }
    let Some(from) = unscaled(layer.view.src, layer.transform(), layer.dst.size) else { return Ok(false) };
    // What a format without alpha has in its place is drawn, too: nobody may look at it.
    let unused = layer.opaque && target.dmabuf.format() == target::OPAQUE;
    if !unused && !texture.format().is_some_and(has_alpha) {
        return Ok(false);
    }
    let Some(copier) = frame.egl_context().user_data().get::<Copier>() else { return Ok(false) };
    let (program, mut vertices) = (copier.program, copier.vertices.take());
    vertices.clear();
    let place = Place { frame: size, at: layer.dst.loc, texture: texture.size(), from };
    rects.iter().for_each(|rect| place.triangles(*rect, &mut vertices));
    let drawn = frame.with_context(|gl| program.draw(gl, texture.tex_id(), layer.opaque, &vertices));
    if let Some(copier) = frame.egl_context().user_data().get::<Copier>() {
        copier.vertices.replace(vertices);
    }
    drawn.map(|()| true)
}

/// From which texel on a layer shows its texture; `None`: not texel by texel.
fn unscaled(src: Rectangle<f64, Buffer>, transform: Transform, dst: Size<i32, Physical>) -> Option<Point<i32, Buffer>> {
    let whole = src.to_i32_round::<i32>();
    let same = whole.to_f64() == src && (whole.size.w, whole.size.h) == (dst.w, dst.h);
    (same && transform == Transform::Normal).then_some(whole.loc)
}

/// Where a layer's texels are.
struct Place {
    /// The size of the frame.
    frame: Size<i32, Physical>,
    /// The layer's corner in the frame.
    at: Point<i32, Physical>,
    /// The size of the texture.
    texture: Size<i32, Buffer>,
    /// The texel at that corner.
    from: Point<i32, Buffer>,
}

impl Place {
    /// Appends the two triangles of a rectangle, which is relative to the layer. They share the
    /// diagonal and have the same winding: so llvmpipe knows them for a rectangle.
    fn triangles(&self, rect: Rectangle<i32, Physical>, vertices: &mut Vec<Vertex>) {
        let of = |pixel: i32, all: i32| pixel as f32 / all as f32;
        let corner = |x: i32, y: i32| {
            let (at, frame, from, texture) = (self.at, self.frame, self.from, self.texture);
            let (left, top) = (of(2 * (at.x + x), frame.w) - 1.0, of(2 * (at.y + y), frame.h) - 1.0);
            [left, top, of(from.x + x, texture.w), of(from.y + y, texture.h)]
        };
        let (x0, y0, x1, y1) = (rect.loc.x, rect.loc.y, rect.loc.x + rect.size.w, rect.loc.y + rect.size.h);
        let (first, last) = (corner(x0, y0), corner(x1, y1));
        vertices.extend([first, corner(x0, y1), last, first, last, corner(x1, y0)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(src: (f64, f64, f64, f64), transform: Transform, dst: (i32, i32)) -> Option<(i32, i32)> {
        let src = Rectangle::new((src.0, src.1).into(), (src.2, src.3).into());
        unscaled(src, transform, dst.into()).map(|texel| (texel.x, texel.y))
    }

    #[test]
    fn only_what_is_neither_scaled_nor_turned_is_copied() {
        let normal = Transform::Normal;
        assert_eq!(from((0.0, 0.0, 64.0, 32.0), normal, (64, 32)), Some((0, 0)));
        assert_eq!(from((8.0, 4.0, 16.0, 16.0), normal, (16, 16)), Some((8, 4)), "a part of the buffer");
        assert_eq!(from((0.0, 0.0, 64.0, 32.0), normal, (128, 64)), None, "scaled");
        assert_eq!(from((0.5, 0.0, 16.0, 16.0), normal, (16, 16)), None, "between two texels");
        assert_eq!(from((0.0, 0.0, 15.5, 16.0), normal, (16, 16)), None, "a little scaled");
        for turned in [Transform::_180, Transform::Flipped, Transform::_90] {
            assert_eq!(from((0.0, 0.0, 32.0, 32.0), turned, (32, 32)), None, "{turned:?}");
        }
    }

    #[test]
    fn a_rectangle_is_two_triangles_with_its_texels() {
        let place =
            Place { frame: (200, 100).into(), at: (100, 50).into(), texture: (64, 32).into(), from: (16, 8).into() };
        let mut vertices = Vec::new();
        place.triangles(Rectangle::new((0, 0).into(), (16, 8).into()), &mut vertices);
        let (first, last) = ([0.0, 0.0, 0.25, 0.25], [0.16, 0.16, 0.5, 0.5]);
        let near = |a: Vertex, b: Vertex| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near(vertices[0], first) && near(vertices[2], last), "{vertices:?}");
        assert!(near(vertices[1], [0.0, 0.16, 0.25, 0.5]) && near(vertices[5], [0.16, 0.0, 0.5, 0.25]));
        // Their common corners are the same numbers.
        assert_eq!((vertices[0], vertices[2]), (vertices[3], vertices[4]));
        assert_eq!(vertices.len(), 6);
    }
}
