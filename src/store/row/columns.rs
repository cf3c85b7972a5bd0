//! Reads a row by the names of its columns, on both dialects.
//!
//! This macro stands in for `derive(FromRow)`: the derive compiles the whole driver and SQLite a second time, for the compiler's use.
//! The list repeats the field names, and the compiler refuses a list that lacks one. To add a column: its field, and its name here.

/// `columns! { MatchRow { number, title } }`; `..field` first for a row inside the row.
macro_rules! columns {
    ($row:ident { $(..$inner:ident,)? $($column:ident),+ $(,)? }) => {
        columns!(@on sqlx::postgres::PgRow, $row { $($inner)? } $($column)+);
        columns!(@on sqlx::sqlite::SqliteRow, $row { $($inner)? } $($column)+);
    };
    (@on $dialect:ty, $row:ident { $($inner:ident)? } $($column:ident)+) => {
        impl sqlx::FromRow<'_, $dialect> for $row {
            fn from_row(row: &$dialect) -> Result<Self, sqlx::Error> {
                use sqlx::Row as _;
                Ok(Self { $($inner: sqlx::FromRow::from_row(row)?,)? $($column: row.try_get(stringify!($column))?),+ })
            }
        }
    };
}
pub(in crate::store) use columns;
