//! Request handlers of the factory, the pools and the buffers.

use std::sync::Arc;

use smithay::wayland::shm::shm_format_to_fourcc;
use wayland_protocols::xdg::toplevel_icon::v1::server::xdg_toplevel_icon_v1;
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
    image::{BufferArgs, Pool, ShmImage, bytes_per_pixel, check},
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
        state: &mut D,
        client: &Client,
        shm: &WlShm,
        request: wl_shm::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        if let wl_shm::Request::CreatePool { id, fd, size } = request {
            match Pool::new(fd, size) {
                Ok(pool) => {
                    data_init.init(id, PoolData(Arc::new(pool)));
                    state.note_descriptors(client, 1);
                }
                Err(reason) => {
                    // libwayland, too, reports a wrong size as invalid_stride.
                    let code = if size <= 0 { Error::InvalidStride } else { Error::InvalidFd };
                    shm.post_error(code, format!("create_pool: {reason}"));
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
                let offered = match format {
                    WEnum::Value(format) if state.shm().formats.contains(&format) => {
                        shm_format_to_fourcc(format).zip(bytes_per_pixel(format))
                    }
                    _ => None,
                };
                let Some((fourcc, bytes_per_pixel)) = offered else {
                    let message = format!("create_buffer: format {:#010x} was not offered", u32::from(format));
                    resource.post_error(Error::InvalidFormat, message);
                    return;
                };
                match check(BufferArgs { offset, width, height, stride, bytes_per_pixel }, pool.size()) {
                    Ok([offset, width, height, stride]) => {
                        pool.enter();
                        let pool = pool.clone();
                        let import = state.import(ShmImage { pool, offset, width, height, stride, format: fourcc });
                        data_init.init(id, BufferData::new(import));
                    }
                    Err(reason) => resource.post_error(Error::InvalidStride, format!("create_buffer: {reason}")),
                }
            }
            wl_shm_pool::Request::Resize { size } => {
                if let Err(reason) = pool.resize(size) {
                    resource.post_error(Error::InvalidFd, format!("resize: {reason}"));
                }
            }
            _ => {}
        }
    }

    fn destroyed(state: &mut D, client: ClientId, _: &WlShmPool, PoolData(pool): &PoolData) {
        if pool.leave() {
            state.note_closed(&client, 1);
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
        buffer: &WlBuffer,
        request: wl_buffer::Request,
        data: &BufferData<D::Import>,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        debug_assert!(matches!(request, wl_buffer::Request::Destroy));
        // Only what the client asks for is wrong: when it goes, its objects do in any order.
        if let Some(icon) = data.icons().iter().flat_map(|icons| icons.0.iter()).next() {
            let message = format!("wl_buffer.destroy: {} is of {}, which is alive", buffer.id(), icon.id());
            icon.post_error(xdg_toplevel_icon_v1::Error::NoBuffer, message);
        }
    }

    fn destroyed(state: &mut D, client: ClientId, _: &WlBuffer, data: &BufferData<D::Import>) {
        if D::image(&data.import).pool.leave() {
            state.note_closed(&client, 1);
        }
        state.buffer_destroyed(&data.import);
    }
}
