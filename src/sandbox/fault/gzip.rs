//! A gzip body that unpacks to far more than it is, written by hand: a packer would take longer than the test.

/// Unpacked bytes of one repetition.
const RUN_BYTES: usize = 258;

/// A gzip body of that many mebibytes of blanks. Its trailer does not add up: nobody should get that far.
pub(super) fn bomb(mebibytes: usize) -> Vec<u8> {
    let runs = (mebibytes << 20).div_ceil(RUN_BYTES);
    let mut bits = Bits { bytes: vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], pending: 0, count: 0 };
    bits.bytes.reserve(runs * 13 / 8 + 32);
    // The last block, with fixed codes; then one blank, which every run repeats.
    bits.push(0b011, 3);
    bits.push(reversed(0x30 + u32::from(b' '), 8), 8);
    let run = reversed(0b1100_0101, 8);
    for _ in 0..runs {
        // Length 258 at distance 1.
        bits.push(run, 13);
    }
    bits.push(0, 7);
    bits.end()
}

fn reversed(code: u32, width: u32) -> u32 {
    code.reverse_bits() >> (32 - width)
}

/// Bits, the lowest first.
struct Bits {
    bytes: Vec<u8>,
    pending: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: u32, width: u32) {
        self.pending |= value << self.count;
        self.count += width;
        while self.count >= 8 {
            self.bytes.push(self.pending.to_le_bytes()[0]);
            self.pending >>= 8;
            self.count -= 8;
        }
    }

    fn end(mut self) -> Vec<u8> {
        self.push(0, 7);
        self.bytes.extend([0; 8]);
        self.bytes
    }
}
