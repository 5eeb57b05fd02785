//! Many small cells as an image: PNG with a palette, of which one colour is none.

use std::io::Write as _;

use base64::Engine as _;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

use crate::theme::Ramp;

/// Pixels of an image, along each axis, at least: viewers that smooth what they enlarge then blur no cell.
const FINE: usize = 1024;

/// An image of so many cells, transparent where nothing was put.
pub struct Pixels<'a> {
    ramp: &'a Ramp,
    width: usize,
    height: usize,
    /// The step of each cell on the ramp, and one more for what is transparent.
    cells: Vec<u8>,
}

impl<'a> Pixels<'a> {
    /// Without anything on it. A ramp of 256 colours gives one up for it: the last two are all but the same.
    pub fn new(ramp: &'a Ramp, width: usize, height: usize) -> Self {
        Self { ramp, width, height, cells: vec![u8::MAX; width * height] }
    }

    /// Gives a cell the colour of a level.
    pub fn put(&mut self, x: usize, y: usize, level: f32) {
        self.cells[y * self.width + x] = self.ramp.step(level).min(usize::from(u8::MAX) - 1) as u8;
    }

    /// As the address of an image that holds it.
    pub fn data_url(&self) -> String {
        format!("data:image/png;base64,{}", base64::engine::general_purpose::STANDARD.encode(self.png()))
    }

    fn png(&self) -> Vec<u8> {
        let scale = FINE.div_ceil(self.width.max(self.height).max(1));
        let (width, height) = (self.width * scale, self.height * scale);
        let mut rows = Vec::with_capacity((width + 1) * height);
        for row in self.cells.chunks(self.width.max(1)) {
            let line: Vec<u8> = row.iter().flat_map(|cell| std::iter::repeat_n(*cell, scale)).collect();
            for _ in 0..scale {
                rows.push(0);
                rows.extend_from_slice(&line);
            }
        }
        let mut header =
            Vec::from([(width as u32).to_be_bytes(), (height as u32).to_be_bytes()].as_flattened());
        // Eight bits a pixel, each a colour of the palette.
        header.extend([8, 3, 0, 0, 0]);
        let mut palette: Vec<u8> = self.ramp.colors().iter().flat_map(|rgb| [rgb.0, rgb.1, rgb.2]).collect();
        palette.resize(3 * 256, 0);
        let mut opacity = [u8::MAX; 256];
        opacity[255] = 0;
        let mut png = Vec::from(b"\x89PNG\r\n\x1a\n");
        for (name, data) in [
            (b"IHDR", header),
            (b"PLTE", palette),
            (b"tRNS", opacity.to_vec()),
            (b"IDAT", deflated(&rows)),
            (b"IEND", vec![]),
        ] {
            chunk(&mut png, name, &data);
        }
        png
    }
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

fn chunk(png: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    png.extend((data.len() as u32).to_be_bytes());
    let mut crc = Crc::new();
    for part in [name.as_slice(), data] {
        png.extend_from_slice(part);
        crc.update(part);
    }
    png.extend(crc.sum().to_be_bytes());
}
