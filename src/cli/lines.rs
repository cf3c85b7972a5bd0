//! Lines of a long file, as many at once as go well together.

use std::io::BufRead;

/// Lines that go well into one request.
pub(super) fn batch(reader: &mut dyn BufRead) -> std::io::Result<Vec<String>> {
    const MOST: usize = 500;
    const HEAVY: usize = 4 << 20;
    let (mut lines, mut bytes) = (Vec::new(), 0);
    while lines.len() < MOST && bytes < HEAVY {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            break;
        }
        line.truncate(line.trim_end().len());
        bytes += line.len();
        lines.push(line);
    }
    Ok(lines)
}
