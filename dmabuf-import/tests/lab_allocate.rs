//! Memory for images from the lab's heaps and from shared memory, by one trait.

use dmabuf_import::allocate::{AllocationRequest, Allocator, FirstOf};
use dmabuf_import::heap::{DmaHeap, contiguous};
use dmabuf_import::udmabuf::Udmabuf;
use dmabuf_import::{Fourcc, Modifier};

const ASK: AllocationRequest<'static> =
    AllocationRequest { width: 65, height: 3, format: Fourcc::Nv12, modifiers: &[Modifier::Linear] };

#[test]
#[ignore = "lab"]
fn all_planes_are_in_one_dmabuf_with_lines_that_displays_take() {
    let heap = || DmaHeap::open("system").unwrap();
    let mut all: Vec<Box<dyn Allocator>> = vec![Box::new(heap()), Box::new(Udmabuf::open().unwrap())];
    assert!(!contiguous().contains(&"system".to_owned()));
    for name in contiguous() {
        all.push(Box::new(DmaHeap::open(&name).unwrap()));
    }
    for allocator in &mut all {
        let dmabuf = allocator.allocate(&ASK).unwrap().dmabuf;
        let planes: Vec<_> = dmabuf.planes().iter().map(|plane| (plane.offset, plane.stride)).collect();
        assert_eq!(planes, [(0, 256), (768, 256)], "{}", allocator.name());
        assert_eq!(dmabuf.fds().count(), 1);
        let mut map = dmabuf.map(1, true).unwrap();
        map.cpu_write(|bytes| bytes[1279] = 7).unwrap();
    }
}

#[test]
#[ignore = "lab"]
fn what_is_not_good_enough_is_asked_of_the_next() {
    let mut all = FirstOf::default().then(DmaHeap::open("system").unwrap()).then(Udmabuf::open().unwrap());
    let mut asked = 0;
    let got = all.allocate_for(&ASK, |allocated| {
        asked += 1;
        if asked == 1 { Err("not this one".into()) } else { Ok(allocated.dmabuf) }
    });
    got.unwrap();
    assert_eq!(asked, 2);
    let tiled = AllocationRequest { modifiers: &[Modifier::I915_x_tiled], ..ASK };
    let error = all.allocate(&tiled).err().unwrap().to_string();
    assert_eq!(error, "65x3 NV12: dma-heap system: it has linear memory only; udmabuf: it has linear memory only");
}
