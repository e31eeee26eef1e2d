//! The GL calls that draw rectangles of a texture, and a parameter of the allocator. All `unsafe`
//! code of the render folder.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char};

use smithay::backend::renderer::gles::ffi::{self, Gles2, types::GLuint};

/// Position (clip space) and place in the texture of a vertex.
pub type Vertex = [f32; 4];

const VERTEX: &CStr = c"#version 300 es
layout(location = 0) in highp vec4 corner;
out highp vec2 place;
void main() {
    place = corner.wz;
    gl_Position = vec4(corner.xy, 0.0, 1.0);
}
";

// llvmpipe looks for a texture coordinate that is put together from two components of an input, and
// finds it only where their order is not that of the input. Reduced precision, more than one
// output, or a result that is put together from parts of the texel would end its copying, too.
const FRAGMENT: &CStr = c"#version 300 es
uniform highp sampler2D tex;
in highp vec2 place;
layout(location = 0) out highp vec4 colour;
void main() {
    colour = texture(tex, place.yx);
}
";

/// A program that draws a texture as it is. It is never deleted: it ends with its context.
#[derive(Debug, Clone, Copy)]
pub struct Program(GLuint);

impl Program {
    /// Compiles it in the current context. Error, for the log: GL's message.
    pub fn new(gl: &Gles2) -> Result<Self, String> {
        // SAFETY: the context is current; the names are used only if GL gave them.
        unsafe {
            let program = gl.CreateProgram();
            for (kind, source) in [(ffi::VERTEX_SHADER, VERTEX), (ffi::FRAGMENT_SHADER, FRAGMENT)] {
                let shader = gl.CreateShader(kind);
                // SAFETY: GL copies the source, which ends with a zero.
                gl.ShaderSource(shader, 1, &source.as_ptr(), std::ptr::null());
                gl.CompileShader(shader);
                gl.AttachShader(program, shader);
                gl.DeleteShader(shader);
            }
            gl.LinkProgram(program);
            let mut linked = 0;
            gl.GetProgramiv(program, ffi::LINK_STATUS, &mut linked);
            if linked != 0 {
                return Ok(Self(program));
            }
            let mut message = [0 as c_char; 256];
            gl.GetProgramInfoLog(program, message.len() as i32, std::ptr::null_mut(), message.as_mut_ptr());
            gl.DeleteProgram(program);
            // SAFETY: GL ends the message with a zero within the array, which was all zeros.
            Err(CStr::from_ptr(message.as_ptr()).to_string_lossy().into_owned())
        }
    }

    /// Draws triangles of a texture, texel by texel, in a frame of Smithay's, and leaves the state
    /// as Smithay expects it.
    pub fn draw(self, gl: &Gles2, texture: GLuint, opaque: bool, triangles: &[Vertex]) {
        // SAFETY: the context of the program and the texture is current; `triangles` outlives the
        // draw call, before whose end GL has read it.
        unsafe {
            if opaque {
                gl.Disable(ffi::BLEND);
            }
            gl.UseProgram(self.0);
            gl.ActiveTexture(ffi::TEXTURE0);
            gl.BindTexture(ffi::TEXTURE_2D, texture);
            gl.TexParameteri(ffi::TEXTURE_2D, ffi::TEXTURE_MIN_FILTER, ffi::NEAREST as i32);
            gl.TexParameteri(ffi::TEXTURE_2D, ffi::TEXTURE_MAG_FILTER, ffi::NEAREST as i32);
            gl.BindBuffer(ffi::ARRAY_BUFFER, 0);
            gl.EnableVertexAttribArray(0);
            gl.VertexAttribDivisor(0, 0);
            gl.VertexAttribPointer(0, 4, ffi::FLOAT, ffi::FALSE, 0, triangles.as_ptr().cast());
            gl.DrawArrays(ffi::TRIANGLES, 0, triangles.len() as i32);
            gl.DisableVertexAttribArray(0);
            gl.BindTexture(ffi::TEXTURE_2D, 0);
            if opaque {
                gl.Enable(ffi::BLEND);
            }
        }
    }
}

/// Keeps up to `bytes` of freed memory at the end of the heap for what is allocated next, instead of
/// giving it back to the kernel. Only the GNU library can be told so.
pub fn keep_freed_memory(bytes: i32) {
    #[cfg(target_env = "gnu")]
    // SAFETY: the call only sets a parameter of the allocator, under the allocator's lock.
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, bytes);
    }
    #[cfg(not(target_env = "gnu"))]
    let _ = bytes;
}
