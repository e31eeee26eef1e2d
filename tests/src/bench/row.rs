//! The closing table of a benchmark: one row a figure, with its limit.

/// One row of the closing table.
#[derive(Debug, Clone)]
pub struct Row {
    /// What was measured.
    pub what: &'static str,
    /// What others took, as given.
    pub others: &'static [&'static str],
    /// The limit in words.
    pub limit: String,
    /// The figures of each run.
    pub figures: Vec<String>,
    /// Whether all of them keep the limit.
    pub kept: bool,
}

/// The table as text; columns are aligned.
pub fn table(heads: &[&str], rows: &[Row]) -> String {
    let mut lines: Vec<Vec<String>> = vec![heads.iter().map(|h| (*h).to_owned()).collect()];
    for row in rows {
        let mut line = vec![row.what.to_owned()];
        line.extend(row.others.iter().map(|o| (*o).to_owned()));
        line.push(row.limit.clone());
        line.extend(row.figures.iter().cloned());
        line.push(if row.kept { "ok".into() } else { "OVER".into() });
        lines.push(line);
    }
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| lines.iter().filter_map(|l| l.get(c)).map(|s| s.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        for (c, cell) in line.iter().enumerate() {
            let pad = widths[c] - cell.chars().count();
            let (left, right) = if c == 0 { (0, pad) } else { (pad, 0) };
            text += &format!("{}{}{}  ", " ".repeat(left), cell, " ".repeat(right));
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let row =
            |what, kept| Row { what, others: &["51"], limit: "≤ 30".into(), figures: vec!["29.5".into()], kept };
        let text = table(&["", "sway", "limit", "syncline", ""], &[row("calls", true), row("more calls", false)]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].ends_with("ok") && lines[2].ends_with("OVER"));
        let at = |line: &str| line.find("≤").unwrap();
        assert_eq!(at(lines[1]), at(lines[2]));
    }
}
