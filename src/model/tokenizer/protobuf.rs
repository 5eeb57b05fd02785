//! Messages of protobuf, as far as SentencePiece's files need it.

/// One field of a message.
pub enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Float(f32),
}

impl Field<'_> {
    pub fn number(&self) -> Option<u64> {
        if let Field::Number(number) = self { Some(*number) } else { None }
    }

    pub fn text(&self) -> Option<String> {
        if let Field::Bytes(bytes) = self { String::from_utf8(bytes.to_vec()).ok() } else { None }
    }
}

/// Takes a number of seven bits a byte from the front.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// The fields of a message, or `None` if it is none.
pub fn fields(mut bytes: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let field = match key & 7 {
            0 => Field::Number(varint(&mut bytes)?),
            1 => {
                bytes = bytes.get(8..)?;
                continue;
            }
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let (content, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                Field::Bytes(content)
            }
            5 => {
                let (content, rest) = bytes.split_first_chunk::<4>()?;
                bytes = rest;
                Field::Float(f32::from_le_bytes(*content))
            }
            _ => return None,
        };
        found.push((key >> 3, field));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_to_the_last_byte() {
        let message = [0x08, 0x96, 0x01, 0x12, 1, b'a', 0x1d, 0, 0, 0x80, 0x3f, 0x21, 0, 0, 0, 0, 0, 0, 0, 0];
        let found = fields(&message).unwrap();
        let [(1, number), (2, text), (3, Field::Float(float))] = found.as_slice() else {
            panic!("{}", found.len())
        };
        assert_eq!((number.number(), text.text().as_deref(), *float), (Some(150), Some("a"), 1.0));
        for length in 1..message.len() {
            // Cut within a field it is no message.
            let is_whole = [3, 6, 11].contains(&length);
            assert_eq!(fields(&message[..length]).is_some(), is_whole, "{length}");
        }
    }
}
