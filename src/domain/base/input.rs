//! A field as it arrived: absent, null, right, or of a wrong type. Deserializing never fails on the type, so that a
//! wrong type is reported beside every other fault of the same request instead of hiding them.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One field of a request body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Input<T> {
    /// The key was not there at all.
    #[default]
    Absent,
    /// The key was there with `null`.
    Null,
    Value(T),
    /// The key held something else; the word says what (`a number`, `an object`, …).
    WrongType(&'static str),
}

impl<T> Input<T> {
    pub fn as_ref(&self) -> Input<&T> {
        match self {
            Self::Absent => Input::Absent,
            Self::Null => Input::Null,
            Self::Value(value) => Input::Value(value),
            Self::WrongType(found) => Input::WrongType(found),
        }
    }
}

impl<T> From<T> for Input<T> {
    fn from(value: T) -> Self {
        Self::Value(value)
    }
}

/// A JSON type that a field may ask for.
pub trait JsonType: Sized {
    /// How the type is called in a message.
    const NAME: &'static str;
    fn string(_: &str) -> Option<Self> {
        None
    }
    fn owned_string(text: String) -> Option<Self> {
        Self::string(&text)
    }
    fn integer(_: i64) -> Option<Self> {
        None
    }
    fn boolean(_: bool) -> Option<Self> {
        None
    }
    /// Reads an array; `None` means arrays are not wanted (the visitor then skips it).
    fn array<'de, A: SeqAccess<'de>>(_: &mut A) -> Option<Result<Self, A::Error>> {
        None
    }
    /// Reads an object; `None` means objects are not wanted (the visitor then skips it).
    fn object<'de, A: MapAccess<'de>>(_: &mut A) -> Option<Result<Self, A::Error>> {
        None
    }
}

impl JsonType for String {
    const NAME: &'static str = "a string";
    fn string(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
    fn owned_string(text: String) -> Option<Self> {
        Some(text)
    }
}

impl JsonType for i64 {
    const NAME: &'static str = "an integer";
    fn integer(number: i64) -> Option<Self> {
        Some(number)
    }
}

impl JsonType for bool {
    const NAME: &'static str = "true or false";
    fn boolean(value: bool) -> Option<Self> {
        Some(value)
    }
}

impl<T: JsonType> JsonType for Vec<Input<T>> {
    const NAME: &'static str = "an array";
    fn array<'de, A: SeqAccess<'de>>(seq: &mut A) -> Option<Result<Self, A::Error>> {
        let mut items = Vec::new();
        loop {
            match seq.next_element() {
                Ok(Some(item)) => items.push(item),
                Ok(None) => return Some(Ok(items)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<'de, T: JsonType> Deserialize<'de> for Input<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson(PhantomData))
    }
}

struct AnyJson<T>(PhantomData<T>);

/// 2^53: beyond it a floating point number stands for several integers.
const MOST_EXACT: f64 = 9_007_199_254_740_992.0;

fn right<T>(value: Option<T>, found: &'static str) -> Input<T> {
    value.map_or(Input::WrongType(found), Input::Value)
}

impl<'de, T: JsonType> Visitor<'de> for AnyJson<T> {
    type Value = Input<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::NAME)
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Input::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(right(T::boolean(value), "a boolean"))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(right(T::integer(number), "a number"))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(right(i64::try_from(number).ok().and_then(T::integer), "a number"))
    }
    // To JSON, and to its schemas, 7.0 is the integer 7: some languages write their whole numbers so.
    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        if number.fract() != 0.0 {
            return Ok(Input::WrongType("a number with a fraction"));
        }
        #[expect(clippy::cast_possible_truncation, reason = "within the range in which every whole number is exact")]
        let whole = (number.abs() < MOST_EXACT).then_some(number as i64);
        Ok(right(whole.and_then(T::integer), "a number"))
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(right(T::string(text), "a string"))
    }
    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(right(T::owned_string(text), "a string"))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        if let Some(read) = T::array(&mut seq) {
            return read.map(Input::Value);
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Input::WrongType("an array"))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        if let Some(read) = T::object(&mut map) {
            return read.map(Input::Value);
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Input::WrongType("an object"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: JsonType>(json: &str) -> Input<T> {
        serde_json::from_str(json).expect("valid JSON is always read")
    }

    #[test]
    fn any_json_is_read_and_wrong_types_are_named_never_coerced() {
        assert_eq!(read::<String>(r#""7""#), Input::Value("7".to_owned()));
        assert_eq!(read::<String>("7"), Input::WrongType("a number"));
        assert_eq!(read::<String>("null"), Input::Null);
        assert_eq!(read::<i64>("7"), Input::Value(7));
        assert_eq!(read::<i64>("7.0"), Input::Value(7), "the same number, written otherwise");
        assert_eq!(read::<i64>("7.5"), Input::WrongType("a number with a fraction"));
        assert_eq!(read::<i64>("1e300"), Input::WrongType("a number"));
        assert_eq!(read::<String>("7.0"), Input::WrongType("a number"));
        assert_eq!(read::<i64>("18446744073709551615"), Input::WrongType("a number"));
        assert_eq!(read::<i64>(r#""7""#), Input::WrongType("a string"));
        assert_eq!(read::<i64>("true"), Input::WrongType("a boolean"));
        assert_eq!(read::<bool>("1"), Input::WrongType("a number"));
        assert_eq!(read::<String>(r#"{"a":[1,{}]}"#), Input::WrongType("an object"));
        assert_eq!(
            read::<Vec<Input<String>>>(r#"["a",1]"#),
            Input::Value(vec![Input::Value("a".to_owned()), Input::WrongType("a number")])
        );
    }
}
