//! `zwp_linux_buffer_params_v1`: the planes that a client adds become a `wl_buffer`, an error, or
//! `failed`.

use std::{
    fmt::Display,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard},
};

use dmabuf_import::{
    Dmabuf, DmabufPlane, Fourcc, ImportError, Modifier, Request, Violation,
    request::{CompleteParams, ParamsPlane},
    v4l2,
};
use wayland_protocols::wp::linux_dmabuf::zv1::server::zwp_linux_buffer_params_v1::{
    self as object, Error, ZwpLinuxBufferParamsV1,
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, New, Resource, backend::ClientId, protocol::wl_buffer::WlBuffer,
};

use super::{BufferData, Hints, LinuxDmabufHandler, LinuxDmabufState};

/// User data of `zwp_linux_buffer_params_v1`.
#[derive(Debug, Default)]
pub struct ParamsData {
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    request: Request<OwnedFd>,
    sampling: Option<u64>,
    /// How many descriptors the client has sent.
    descriptors: u8,
}

/// The arguments of `create` and `create_immed`.
struct CreateArgs {
    width: i32,
    height: i32,
    format: u32,
    flags: u32,
}

/// Why a buffer was not created.
enum Refusal {
    /// The client's description is wrong.
    Violation(Violation),
    /// The description is right, but the buffer cannot be imported.
    Import(String),
}

impl Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Violation(violation) => violation.fmt(f),
            Self::Import(reason) => reason.fmt(f),
        }
    }
}

impl From<Violation> for Refusal {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

/// The protocol's error for a violation, in an object of `version`; `None` where the protocol has
/// none: the buffer fails then, and the client goes on.
///
/// There is none for a descriptor that is not a dma-buf, and for flags of interlacing. Clients of
/// versions before 4 could not know the offered pairs, and before version 5 different modifiers
/// were not an error.
pub fn protocol_error(violation: &Violation, version: u32) -> Option<Error> {
    Some(match violation {
        Violation::Used => Error::AlreadyUsed,
        Violation::PlaneIndex(_) => Error::PlaneIdx,
        Violation::PlaneTwice { .. } => Error::PlaneSet,
        Violation::PlaneMissing { .. } | Violation::PlaneCount { .. } => Error::Incomplete,
        Violation::Size { .. } => Error::InvalidDimensions,
        Violation::Stride { .. } | Violation::OutOfBounds { .. } => Error::OutOfBounds,
        Violation::Format(_) => Error::InvalidFormat,
        Violation::NotOffered { .. } if version >= 4 => Error::InvalidFormat,
        Violation::Modifiers { .. } if version >= 5 => Error::InvalidFormat,
        Violation::NotOffered { .. }
        | Violation::Modifiers { .. }
        | Violation::NotDmabuf { .. }
        | Violation::Flags(_) => {
            return None;
        }
    })
}

/// Posts the protocol's error for a violation, and returns whether there is one.
fn post_violation(params: &ZwpLinuxBufferParamsV1, request: &str, violation: &Violation) -> bool {
    let error = protocol_error(violation, params.version());
    if let Some(error) = error {
        params.post_error(error, format!("{request}: {violation}"));
    }
    error.is_some()
}

fn pending(data: &ParamsData) -> MutexGuard<'_, Pending> {
    data.pending.lock().expect("no panic while locked")
}

/// Checks and imports a buffer.
fn create_buffer<D: LinuxDmabufHandler>(
    state: &mut D,
    client: &Client,
    data: &ParamsData,
    version: u32,
    args: &CreateArgs,
) -> Result<BufferData<D::Import>, Refusal> {
    let (taken, sampling, descriptors) = {
        let mut pending = pending(data);
        (pending.request.take(), pending.sampling.take(), std::mem::take(&mut pending.descriptors))
    };
    let imported = taken.map_err(Refusal::from).and_then(|taken| import(state, taken, sampling, version, args));
    if imported.is_err() {
        state.note_closed(&client.id(), descriptors.into());
    }
    Ok(BufferData { import: imported?, descriptors })
}

fn import<D: LinuxDmabufHandler>(
    state: &mut D,
    CompleteParams { modifier, planes }: CompleteParams<OwnedFd>,
    sampling: Option<u64>,
    version: u32,
    args: &CreateArgs,
) -> Result<D::Import, Refusal> {
    let Some(linux_dmabuf) = state.linux_dmabuf() else {
        return Err(Refusal::Import("no device can import it now".into()));
    };
    // A negative size is as wrong as an empty one.
    let clamp = |n: i32| u32::try_from(n).unwrap_or(0);
    let (width, height) = (clamp(args.width), clamp(args.height));
    if width == 0 || height == 0 {
        return Err(Violation::Size { width, height }.into());
    }
    let format = Fourcc::try_from(args.format).map_err(|_| Violation::Format(args.format))?;
    let mut layout = Modifier::from(modifier);
    // Before version 3 there was no modifier to name.
    if version < 3 && !linux_dmabuf.offered.contains(format, layout) {
        layout = Modifier::Invalid;
    }
    if !linux_dmabuf.offered.contains(format, layout) {
        let is_format_offered = linux_dmabuf.offered.modifiers(format).next().is_some();
        let not_offered = Violation::NotOffered { format, modifier };
        return Err(if is_format_offered { not_offered } else { Violation::Format(args.format) }.into());
    }
    let y_invert = args.flags & object::Flags::YInvert.bits() != 0;
    if args.flags & !object::Flags::YInvert.bits() != 0 {
        return Err(Violation::Flags(args.flags).into());
    }
    let implicit = layout == Modifier::Invalid;
    let layout = state.resolve_modifier(layout);
    let shared = |ParamsPlane { memory, offset, stride }| ParamsPlane { memory: Arc::new(memory), offset, stride };
    let mut taken = CompleteParams { modifier, planes: planes.into_iter().map(shared).collect() };
    v4l2::complete(&mut taken, format, height, Arc::clone);
    let planes =
        taken.planes.into_iter().map(|ParamsPlane { memory: fd, offset, stride }| DmabufPlane { fd, offset, stride });
    let dmabuf =
        Dmabuf::checked(width, height, args.format, layout, planes.collect()).map_err(|error| match error {
            ImportError::Violation(violation) => Refusal::Violation(violation),
            ImportError::Call(error) => Refusal::Import(error.to_string()),
        })?;
    state.import(dmabuf, Hints { y_invert, sampling, implicit }).map_err(Refusal::Import)
}

/// Answers a refusal with a protocol error (true); if there is none, the caller must report that
/// the buffer failed.
fn refuse(params: &ZwpLinuxBufferParamsV1, request: &str, refusal: &Refusal) -> bool {
    if let Refusal::Violation(violation) = refusal
        && post_violation(params, request, violation)
    {
        return true;
    }
    tracing::info!("{request}: a client's dma-buf was refused: {refusal}");
    false
}

impl<D> Dispatch<ZwpLinuxBufferParamsV1, ParamsData, D> for LinuxDmabufState
where
    D: Dispatch<ZwpLinuxBufferParamsV1, ParamsData>
        + Dispatch<WlBuffer, BufferData<<D as LinuxDmabufHandler>::Import>>
        + LinuxDmabufHandler
        + 'static,
{
    fn request(
        state: &mut D,
        client: &Client,
        params: &ZwpLinuxBufferParamsV1,
        request: object::Request,
        data: &ParamsData,
        display: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        match request {
            object::Request::Add { fd, plane_idx, offset, stride, modifier_hi, modifier_lo } => {
                let modifier = (u64::from(modifier_hi) << 32) | u64::from(modifier_lo);
                let plane = ParamsPlane { memory: fd, offset, stride };
                let mut pending = pending(data);
                match pending.request.add(plane_idx, plane, modifier) {
                    Ok(()) => {
                        pending.descriptors += 1;
                        state.note_descriptors(client, 1);
                    }
                    Err(violation) => drop(post_violation(params, "add", &violation)),
                }
            }
            object::Request::SetSamplingDevice { device } => {
                let mut pending = pending(data);
                if let Err(violation) = pending.request.usable() {
                    post_violation(params, "set_sampling_device", &violation);
                    return;
                }
                match <[u8; 8]>::try_from(device.as_slice()) {
                    Ok(device) => pending.sampling = Some(u64::from_ne_bytes(device)),
                    Err(_) => params.post_error(
                        Error::InvalidDevTSize,
                        format!("set_sampling_device: the device has {} bytes, a dev_t has 8", device.len()),
                    ),
                }
            }
            object::Request::Create { width, height, format, flags } => {
                let args = CreateArgs { width, height, format, flags: flags.into() };
                match create_buffer(state, client, data, params.version(), &args) {
                    Ok(buffer) => match client.create_resource::<WlBuffer, _, D>(display, 1, buffer) {
                        Ok(buffer) => params.created(&buffer),
                        Err(error) => tracing::debug!("create: the client is gone: {error}"),
                    },
                    Err(refusal) => {
                        if !refuse(params, "create", &refusal) {
                            params.failed();
                        }
                    }
                }
            }
            object::Request::CreateImmed { buffer_id, width, height, format, flags } => {
                let args = CreateArgs { width, height, format, flags: flags.into() };
                create_immed(state, client, params, data, buffer_id, &args, data_init);
            }
            _ => {}
        }
    }

    fn destroyed(state: &mut D, client: ClientId, _: &ZwpLinuxBufferParamsV1, data: &ParamsData) {
        let unused = pending(data).descriptors;
        if unused > 0 {
            state.note_closed(&client, unused.into());
        }
    }
}

/// `create_immed`: the client uses the buffer without an answer, so a failure is a protocol error.
fn create_immed<D>(
    state: &mut D,
    client: &Client,
    params: &ZwpLinuxBufferParamsV1,
    data: &ParamsData,
    id: New<WlBuffer>,
    args: &CreateArgs,
    data_init: &mut DataInit<'_, D>,
) where
    D: Dispatch<WlBuffer, BufferData<D::Import>> + LinuxDmabufHandler + 'static,
{
    match create_buffer(state, client, data, params.version(), args) {
        Ok(buffer) => {
            data_init.init(id, buffer);
        }
        Err(refusal) => {
            if !refuse(params, "create_immed", &refusal) {
                params.post_error(Error::InvalidWlBuffer, format!("create_immed: {refusal}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_violation_has_its_error() {
        let count = Violation::PlaneCount { format: Fourcc::Nv12, modifier: 0, got: 1, least: 2, most: 2 };
        let not_offered = Violation::NotOffered { format: Fourcc::Nv12, modifier: 1 };
        let modifiers = Violation::Modifiers { first: 0, other: 1 };
        let table = [
            (Violation::Used, 3, Some(Error::AlreadyUsed)),
            (Violation::PlaneIndex(4), 3, Some(Error::PlaneIdx)),
            (Violation::PlaneTwice { plane: 0 }, 3, Some(Error::PlaneSet)),
            (Violation::PlaneMissing { plane: 0 }, 3, Some(Error::Incomplete)),
            (count, 3, Some(Error::Incomplete)),
            (Violation::Size { width: 0, height: 1 }, 3, Some(Error::InvalidDimensions)),
            (Violation::Stride { plane: 0, stride: 1, least: 4 }, 3, Some(Error::OutOfBounds)),
            (Violation::OutOfBounds { plane: 0, end: 2, size: 1 }, 3, Some(Error::OutOfBounds)),
            (Violation::Format(1), 3, Some(Error::InvalidFormat)),
            (not_offered, 3, None),
            (not_offered, 4, Some(Error::InvalidFormat)),
            (modifiers, 4, None),
            (modifiers, 5, Some(Error::InvalidFormat)),
            (Violation::NotDmabuf { plane: 0 }, 6, None),
            (Violation::Flags(1), 6, None),
        ];
        for (violation, version, expected) in table {
            assert_eq!(protocol_error(&violation, version), expected, "{violation}, version {version}");
        }
    }
}
