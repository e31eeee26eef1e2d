//! Request handlers of the factory, the pools and the buffers.

use std::sync::Arc;

use smithay::wayland::shm::shm_format_to_fourcc;
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, WEnum,
    backend::ClientId,
    protocol::{
        wl_buffer::{self, WlBuffer},
        wl_shm::{self, Error, WlShm},
        wl_shm_pool::{self, WlShmPool},
    },
};

use super::{
    BufferData, PoolData, ShmHandler, ShmState,
    picture::{Picture, Pool, Said, bytes_a_pixel, check},
};

impl<D> GlobalDispatch<WlShm, (), D> for ShmState
where
    D: Dispatch<WlShm, ()> + ShmHandler + 'static,
{
    fn bind(
        state: &mut D,
        _: &DisplayHandle,
        _: &Client,
        resource: New<WlShm>,
        _: &(),
        data_init: &mut DataInit<'_, D>,
    ) {
        let shm = data_init.init(resource, ());
        state.shm().formats.iter().for_each(|format| shm.format(*format));
    }
}

impl<D> Dispatch<WlShm, (), D> for ShmState
where
    D: Dispatch<WlShm, ()> + Dispatch<WlShmPool, PoolData> + ShmHandler + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        shm: &WlShm,
        request: wl_shm::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        if let wl_shm::Request::CreatePool { id, fd, size } = request {
            match Pool::new(fd, size) {
                Ok(pool) => drop(data_init.init(id, PoolData(Arc::new(pool)))),
                Err(why) => {
                    // As libwayland: a size is a matter of strides.
                    let code = if size <= 0 { Error::InvalidStride } else { Error::InvalidFd };
                    shm.post_error(code, format!("create_pool: {why}"));
                }
            }
        }
    }
}

impl<D> Dispatch<WlShmPool, PoolData, D> for ShmState
where
    D: Dispatch<WlShmPool, PoolData> + Dispatch<WlBuffer, BufferData<<D as ShmHandler>::Import>> + ShmHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &WlShmPool,
        request: wl_shm_pool::Request,
        PoolData(pool): &PoolData,
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        match request {
            wl_shm_pool::Request::CreateBuffer { id, offset, width, height, stride, format } => {
                let known = match format {
                    WEnum::Value(format) if state.shm().formats.contains(&format) => {
                        shm_format_to_fourcc(format).zip(bytes_a_pixel(format))
                    }
                    _ => None,
                };
                let Some((fourcc, bytes)) = known else {
                    let raw: u32 = match format {
                        WEnum::Value(format) => format.into(),
                        WEnum::Unknown(raw) => raw,
                    };
                    let message = format!("create_buffer: format {raw:#010x} was not offered");
                    resource.post_error(Error::InvalidFormat, message);
                    return;
                };
                match check(Said { offset, width, height, stride, bytes }, pool.size()) {
                    Ok([offset, width, height, stride]) => {
                        let pool = pool.clone();
                        let import = state.import(Picture { pool, offset, width, height, stride, format: fourcc });
                        data_init.init(id, BufferData(import));
                    }
                    Err(why) => resource.post_error(Error::InvalidStride, format!("create_buffer: {why}")),
                }
            }
            wl_shm_pool::Request::Resize { size } => {
                if let Err(why) = pool.resize(size) {
                    resource.post_error(Error::InvalidFd, format!("resize: {why}"));
                }
            }
            _ => {}
        }
    }
}

impl<D> Dispatch<WlBuffer, BufferData<D::Import>, D> for ShmState
where
    D: Dispatch<WlBuffer, BufferData<<D as ShmHandler>::Import>> + ShmHandler + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &WlBuffer,
        request: wl_buffer::Request,
        _: &BufferData<D::Import>,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        debug_assert!(matches!(request, wl_buffer::Request::Destroy));
    }

    fn destroyed(state: &mut D, _: ClientId, _: &WlBuffer, BufferData(import): &BufferData<D::Import>) {
        state.buffer_destroyed(import);
    }
}
