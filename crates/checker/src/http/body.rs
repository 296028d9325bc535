//! Where the body of a response ends (RFC 9112 section 6), fed with what came of it. Keeps none of it and decodes no
//! content coding, so it cannot be made to hold more than it was sent.

use crate::fault::Fault;

/// What is still to come of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Ended,
    /// This many bytes, at least one.
    Length(u64),
    Chunked(Chunk),
    /// Whatever comes before the connection ends.
    UntilClose,
}

/// Where in the chunked coding (RFC 9112 section 7.1) the next byte stands. Bare line feeds end a line, too.
///
/// ```text
///   Size ─;─> Extension ─LF─┬─size > 0─> Data ─> DataEnd ─LF─> Size
///     └─────────LF──────────┴─size = 0─> Trailer ─empty line─> Body::Ended
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chunk {
    /// In the hexadecimal size; none before its first digit.
    Size(Option<u64>),
    /// Behind the size, in what nobody reads.
    Extension(u64),
    /// This many bytes, at least one.
    Data(u64),
    DataEnd,
    Trailer {
        is_empty: bool,
    },
}

impl Body {
    pub(super) const fn of_length(length: u64) -> Self {
        if length == 0 { Self::Ended } else { Self::Length(length) }
    }

    pub(super) const fn chunked() -> Self {
        Self::Chunked(Chunk::Size(None))
    }

    /// What is to come once `bytes` have. What follows the end is not the body's and ignored.
    pub(super) fn receive(self, bytes: &[u8]) -> Result<Self, Fault> {
        match self {
            Self::Ended | Self::UntilClose => Ok(self),
            Self::Length(left) => Ok(Self::of_length(left.saturating_sub(bytes.len() as u64))),
            Self::Chunked(_) => bytes.iter().try_fold(self, |body, byte| match body {
                Self::Chunked(chunk) => chunk.receive(*byte),
                Self::Ended | Self::Length(_) | Self::UntilClose => Ok(body),
            }),
        }
    }
}

impl Chunk {
    fn receive(self, byte: u8) -> Result<Body, Fault> {
        let next = match (self, byte) {
            (Self::Size(Some(size)) | Self::Extension(size), b'\n') => Self::behind_size(size),
            (Self::Size(Some(size)), b';' | b' ' | b'\t' | b'\r') => Self::Extension(size),
            (Self::Size(size), digit) => Self::Size(Some(grown(size.unwrap_or(0), digit)?)),
            (Self::Extension(_), _) => self,
            (Self::Data(0 | 1), _) => Self::DataEnd,
            (Self::Data(left), _) => Self::Data(left - 1),
            (Self::DataEnd, b'\r') => self,
            (Self::DataEnd, b'\n') => Self::Size(None),
            (Self::DataEnd, _) => return Err(malformed()),
            (Self::Trailer { is_empty: true }, b'\n') => return Ok(Body::Ended),
            (Self::Trailer { .. }, b'\n') => Self::Trailer { is_empty: true },
            (Self::Trailer { .. }, b'\r') => self,
            (Self::Trailer { .. }, _) => Self::Trailer { is_empty: false },
        };
        Ok(Body::Chunked(next))
    }

    const fn behind_size(size: u64) -> Self {
        if size == 0 { Self::Trailer { is_empty: true } } else { Self::Data(size) }
    }
}

/// `size` with one more hexadecimal digit behind it.
fn grown(size: u64, digit: u8) -> Result<u64, Fault> {
    let digit = char::from(digit).to_digit(16).ok_or_else(malformed)?;
    size.checked_mul(16).map(|size| size | u64::from(digit)).ok_or_else(malformed)
}

fn malformed() -> Fault {
    Fault::protocol("malformed response: invalid chunk")
}

#[cfg(test)]
mod tests {
    use failover::Cause;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_body_of_known_length_ends_with_its_last_byte() {
        let body = Body::of_length(3);
        assert_eq!(body.receive(b"").unwrap(), Body::Length(3));
        assert_eq!(body.receive(b"ab").unwrap(), Body::Length(1));
        assert_eq!(body.receive(b"abc").unwrap(), Body::Ended);
        assert_eq!(body.receive(b"abcd").unwrap(), Body::Ended);
    }

    #[test]
    fn a_body_without_a_length_never_ends_by_itself() {
        assert_eq!(Body::UntilClose.receive(b"0\r\n\r\n").unwrap(), Body::UntilClose);
    }

    #[test]
    fn chunks_end_with_an_empty_one_and_its_trailer() {
        for whole in [
            "0\r\n\r\n",
            "3\r\nabc\r\n0\r\n\r\n",
            "00a;name=\"value\"\r\n0123456789\r\n0;x\r\n\r\n",
            "3 \r\n\r\n\r\r\n0\r\nTrailer: a\r\nOther: b\r\n\r\n",
            "3\nabc\n0\nTrailer: a\n\n",
            "Ff\r\n",
        ] {
            let data = "x".repeat(255);
            let whole = if whole == "Ff\r\n" { format!("{whole}{data}\r\n0\r\n\r\n") } else { whole.into() };
            let (last, before) = whole.as_bytes().split_last().unwrap();
            let almost = Body::chunked().receive(before).unwrap();
            assert_ne!(almost, Body::Ended, "{whole}");
            assert_eq!(almost.receive(&[*last]).unwrap(), Body::Ended, "{whole}");
            assert_eq!(almost.receive(&[*last, b'!']).unwrap(), Body::Ended, "{whole}");
        }
    }

    #[test]
    fn what_is_no_chunk_is_a_protocol_failure() {
        for garbage in
            ["\r\n", ";\r\n", "x", "-1\r\n", "3\r\nabcd", "10000000000000000\r\n", "0x3\r\n", "\u{0}"]
        {
            match Body::chunked().receive(garbage.as_bytes()) {
                Err(Fault::Failed(cause, text)) => {
                    assert_eq!(
                        (cause, text.as_str()),
                        (Cause::Protocol, "malformed response: invalid chunk")
                    );
                }
                other => panic!("{garbage:?}: {other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn arbitrary_chunks_never_panic_and_pieces_change_nothing(
            bytes in prop::collection::vec(prop::sample::select(b"0123456789afF;\r\n\r\n x".to_vec()), 0..64),
            cut in 0..64_usize,
        ) {
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            let at_once = Body::chunked().receive(&bytes).ok();
            let in_pieces = Body::chunked().receive(first).and_then(|body| body.receive(second)).ok();
            prop_assert_eq!(at_once, in_pieces);
        }
    }
}
