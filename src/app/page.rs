//! A page of a longer list: no longer than asked, and no heavier than memory allows.
//!
//! Single rows may hold a megabyte, so a page is read in small portions and ends early once it is
//! heavy. A client that follows its cursor misses nothing.

use std::future::Future;

use crate::store::StoreError;

/// The largest limit, and the limit without the parameter.
pub const MAX_LIMIT: u32 = 200;
pub const DEFAULT_LIMIT: u32 = 50;

/// Rows read at once.
const PORTION: u32 = 26;
/// Roughly the bytes after which a page ends.
const HEAVY: usize = 4 << 20;

/// Some of a list, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPage<T> {
    pub items: Vec<T>,
    /// There is something behind the last of them.
    pub more: bool,
}

impl<T> ListPage<T> {
    pub fn map<U>(self, shape: impl FnMut(T) -> U) -> ListPage<U> {
        ListPage { items: self.items.into_iter().map(shape).collect(), more: self.more }
    }
}

/// Reads on behind `after` until the page is full, heavy, or at the end. `read` answers at most as many as it is asked for.
pub(super) async fn fill<T, K, F>(
    mut after: Option<K>,
    limit: u32,
    key: impl Fn(&T) -> K,
    weight: impl Fn(&T) -> usize,
    mut read: impl FnMut(Option<K>, u32) -> F,
) -> Result<ListPage<T>, StoreError>
where
    F: Future<Output = Result<Vec<T>, StoreError>> + Send,
{
    let mut page = ListPage { items: Vec::new(), more: false };
    let mut heft = 0;
    // One more than requested shows whether there is more.
    let mut missing = limit + 1;
    while missing > 0 {
        let portion = missing.min(PORTION);
        let rows = read(after, portion).await?;
        let end = rows.len() < portion as usize;
        heft += rows.iter().map(&weight).sum::<usize>();
        after = rows.last().map(&key);
        page.items.extend(rows);
        missing -= portion;
        if end || heft > HEAVY {
            page.more = !end;
            break;
        }
    }
    if page.items.len() > limit as usize {
        page.items.truncate(limit as usize);
        page.more = true;
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use proptest::prelude::*;

    /// A page of the list `0..length`, every row of that weight.
    fn page(length: u32, after: Option<u32>, limit: u32, weight: usize) -> ListPage<u32> {
        let read = |after: Option<u32>, most: u32| {
            let first = after.map_or(0, |last| last + 1);
            assert!(most <= PORTION);
            std::future::ready(Ok((first..length.min(first + most)).collect()))
        };
        fill(after, limit, |row: &u32| *row, |_| weight, read).now_or_never().unwrap().unwrap()
    }

    proptest! {
        #[test]
        fn following_the_pages_gives_every_row_once_and_ends(length in 0u32..500, limit in 1u32..=MAX_LIMIT, weight in prop_oneof![Just(0), Just(1 << 20)]) {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = page(length, after, limit, weight);
                prop_assert!(page.items.len() <= limit as usize);
                prop_assert!(weight == 0 || page.items.len() <= PORTION as usize, "a heavy page ends early");
                after = page.items.last().copied();
                seen.extend(page.items);
                if !page.more { break; }
            }
            prop_assert_eq!(seen, (0..length).collect::<Vec<_>>());
        }
    }
}
