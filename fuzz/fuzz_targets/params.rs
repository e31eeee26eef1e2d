//! What a client may say of a dma-buf, as `zwp_linux_buffer_params_v1` takes it: never a panic, and
//! only valid descriptions pass.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = dmabuf_import::script::play(bytes);
});
