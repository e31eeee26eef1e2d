//! Uncompressed pictures with their times, as a Matroska stream (RFC 9559): exact pixels, a picture only
//! where something has changed, and no length anywhere that is known only at the end. So a pipe will do, and
//! what has been written is a valid file at any moment. docs/capture.md says why it is this format.
//!
//! ```text
//!  EBML header ─ Segment (of unknown size) ─ Info, Tracks ─ Cluster ─ Cluster ─ …
//!                                                           time, SimpleBlock: one picture
//! ```
//!
//! It compresses nothing, and knows no clock.

use std::io::{self, Write};

use crate::view::View;

/// Nanoseconds of a time stamp.
const STEP: u64 = 1_000;

/// A stream of pictures of one size.
#[derive(Debug)]
pub struct Film<W> {
    to: W,
    view: View,
    /// A row that is put together.
    row: Vec<u8>,
}

impl<W: Write> Film<W> {
    /// Begins a stream of pictures of this size; they usually come so many nanoseconds apart. Error: it
    /// cannot be written.
    pub fn new(mut to: W, view: View, usual: u64) -> io::Result<Self> {
        to.write_all(&head(&view, usual))?;
        Ok(Self { to, view, row: Vec::with_capacity(view.width as usize * 4) })
    }

    /// Writes what the view shows of a picture (pixels of B, G, R, A) that is shown from `time` on, in
    /// nanoseconds from the beginning of the film. Error: it cannot be written.
    pub fn add(&mut self, time: u64, picture: &[[u8; 4]]) -> io::Result<()> {
        // Track 1, at the time of the cluster, can be decoded alone.
        const BLOCK: [u8; 4] = [0x81, 0, 0, 0x80];
        let bytes = self.view.pixels() as u64 * 4 + BLOCK.len() as u64;
        let time = number(0xe7, time / STEP);
        let mut start = element(0x1f43_b675, time.len() as u64 + element(0xa3, bytes).len() as u64 + bytes);
        start.extend(time);
        start.extend(element(0xa3, bytes));
        start.extend(BLOCK);
        self.to.write_all(&start)?;
        for y in 0..self.view.height {
            match self.view.row(picture, y) {
                Some(row) => self.to.write_all(row.as_flattened())?,
                None => {
                    let row = [0, y.into(), self.view.width.into(), 1];
                    self.row.clear();
                    self.row.extend(self.view.part(row).into_iter().flat_map(|row| row.of(picture)).flatten());
                    self.to.write_all(&self.row)?;
                }
            }
        }
        self.to.flush()
    }
}

/// Everything before the first picture.
fn head(view: &View, usual: u64) -> Vec<u8> {
    let ebml = [number(0x4286, 1), number(0x42f7, 1), number(0x42f2, 4), number(0x42f3, 8)].concat();
    let kind = [words(0x4282, "matroska"), number(0x4287, 4), number(0x4285, 2)].concat();
    let info = [number(0x2a_d7b1, STEP), words(0x4d80, "syncline"), words(0x5741, "syncline")].concat();
    // Red, green, blue; all values of a byte; primaries and curve of sRGB.
    let colour = [number(0x55b1, 0), number(0x55b9, 2), number(0x55ba, 13), number(0x55bb, 1)].concat();
    let size = [number(0xb0, view.width.into()), number(0xba, view.height.into())].concat();
    let video = [size, words(0x2e_b524, "BGRA"), master(0x55b0, &colour)].concat();
    let track = [
        // Its number and its name for the world; video; one picture a block.
        number(0xd7, 1),
        number(0x73c5, 1),
        number(0x83, 1),
        number(0x9c, 0),
        number(0x23_e383, usual.max(1)),
        words(0x86, "V_UNCOMPRESSED"),
        master(0xe0, &video),
    ];
    let tracks = master(0x1654_ae6b, &master(0xae, &track.concat()));
    let mut head = master(0x1a45_dfa3, &[ebml, kind].concat());
    head.extend(id(0x1853_8067));
    head.extend([0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    head.extend(master(0x1549_a966, &info));
    head.extend(tracks);
    head
}

/// The bytes of an element's name.
fn id(id: u32) -> impl Iterator<Item = u8> {
    id.to_be_bytes().into_iter().skip_while(|byte| *byte == 0)
}

/// Name and size of an element whose content has so many bytes.
fn element(of: u32, len: u64) -> Vec<u8> {
    id(of).chain((1 << 56 | len).to_be_bytes()).collect()
}

fn master(of: u32, content: &[u8]) -> Vec<u8> {
    [&element(of, content.len() as u64), content].concat()
}

fn number(of: u32, value: u64) -> Vec<u8> {
    master(of, &value.to_be_bytes())
}

fn words(of: u32, text: &str) -> Vec<u8> {
    master(of, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Transform;

    /// The elements of a level: name, content. A size that is unknown lasts to the end.
    fn elements(mut bytes: &[u8]) -> Vec<(u32, &[u8])> {
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let len = bytes[0].leading_zeros() as usize + 1;
            let of = bytes[..len].iter().fold(0, |of, byte| of << 8 | u32::from(*byte));
            assert_eq!(bytes[len], 1, "all sizes have eight bytes");
            let size = bytes[len + 1..len + 8].iter().fold(0, |size, byte| size << 8 | u64::from(*byte));
            bytes = &bytes[len + 8..];
            let size = if size == (1 << 56) - 1 { bytes.len() } else { size as usize };
            found.push((of, &bytes[..size]));
            bytes = &bytes[size..];
        }
        found
    }

    fn value(bytes: &[u8]) -> u64 {
        u64::from_be_bytes(bytes.try_into().unwrap())
    }

    fn film(view: View, pictures: &[(u64, Vec<[u8; 4]>)]) -> Vec<u8> {
        let mut film = Film::new(Vec::new(), view, 16_666_667).unwrap();
        for (time, picture) in pictures {
            film.add(*time, picture).unwrap();
        }
        film.to
    }

    #[test]
    fn each_picture_is_a_cluster_with_its_time_and_exact_pixels() {
        let picture = |value: u8| (0..6).map(|at| [at, value, 0, 255]).collect::<Vec<_>>();
        let all = View::upright((3, 2), Transform::default());
        let bytes = film(all, &[(0, picture(7)), (16_666_667, picture(8))]);
        let top = elements(&bytes);
        assert_eq!(top.iter().map(|(of, _)| *of).collect::<Vec<_>>(), [0x1a45_dfa3, 0x1853_8067]);
        let within = elements(top[1].1);
        let kinds: Vec<_> = within.iter().map(|(of, _)| *of).collect();
        assert_eq!(kinds, [0x1549_a966, 0x1654_ae6b, 0x1f43_b675, 0x1f43_b675]);
        let cluster = elements(within[3].1);
        assert_eq!((cluster[0].0, value(cluster[0].1)), (0xe7, 16_666), "microseconds");
        assert_eq!(cluster[1].0, 0xa3);
        assert_eq!((&cluster[1].1[..4], &cluster[1].1[4..]), (&[0x81, 0, 0, 0x80][..], picture(8).as_flattened()));
        // What was written before is valid without the last picture.
        let first = film(all, &[(0, picture(7))]);
        assert_eq!(bytes[..first.len()], first);
    }

    #[test]
    fn a_part_of_a_turned_picture_is_written_upright() {
        let picture: Vec<_> = (0..6).map(|at| [at; 4]).collect();
        let view = View::upright((3, 2), Transform::from_number(1)).part([0, 1, 2, 2]).unwrap();
        let bytes = film(view, &[(0, picture)]);
        let block = &bytes[bytes.len() - 16..];
        assert_eq!(block.as_chunks::<4>().0.iter().map(|pixel| pixel[0]).collect::<Vec<_>>(), [4, 1, 5, 2]);
    }

    #[test]
    fn the_track_says_how_pixels_lie() {
        let bytes = film(View::upright((640, 480), Transform::default()), &[]);
        let within = elements(elements(&bytes)[1].1);
        let track = elements(elements(within[1].1)[0].1);
        let of = |wanted: u32| track.iter().find(|(of, _)| *of == wanted).unwrap().1;
        assert_eq!(of(0x86), b"V_UNCOMPRESSED");
        let video = elements(of(0xe0));
        assert_eq!((value(video[0].1), value(video[1].1), video[2].1), (640, 480, &b"BGRA"[..]));
    }
}
