//! How numbers and types are spelt in a folder's files: whole numbers as strings, so that no reader rounds them.

/// A whole number as a string.
pub mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de};

    /// Writes it.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    /// Reads it.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A whole number as a string, or null.
pub mod optional_decimal {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    /// Writes it.
    #[expect(clippy::ref_option, reason = "serde's signature")]
    pub fn serialize<S: Serializer>(number: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        number.map(|number| number.to_string()).serialize(serializer)
    }

    /// Reads it.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        Option::<String>::deserialize(deserializer)?.map(|text| text.parse()).transpose().map_err(de::Error::custom)
    }
}

/// The type of a run's value, by its name.
pub mod kind {
    use common::ValueType;
    use serde::{Deserialize, Deserializer, Serializer, de};

    /// Writes it.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub fn serialize<S: Serializer>(kind: &ValueType, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(kind.name())
    }

    /// Reads it.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ValueType, D::Error> {
        let name = String::deserialize(deserializer)?;
        let kind = ValueType::OF_RUNS.into_iter().find(|kind| kind.name() == name);
        kind.ok_or_else(|| de::Error::custom(format!("no type {name}")))
    }
}
