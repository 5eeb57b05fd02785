//! Bars of text.

/// A line of `value` × `columns`, in halves of a column.
pub fn bar(value: f32, columns: usize) -> String {
    let halves = (value.clamp(0.0, 1.0) * columns as f32 * 2.0).round() as usize;
    format!("{}{}", "━".repeat(halves / 2), if halves % 2 == 1 { "╸" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_by_halves() {
        assert_eq!([0.0, 0.1, 0.25, 0.5, 1.0].map(|value| bar(value, 2)), ["", "", "╸", "━", "━━"]);
        assert_eq!(bar(f32::NAN, 4), "");
    }
}
