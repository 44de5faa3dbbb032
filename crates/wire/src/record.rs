//! Declares a boundary type once: the struct, its reader, its writer and its shape.
//!
//! One declaration instead of a struct, a schema and two impls means that none can drift from the others; the
//! schema files are written from [`crate::shape::Shape`] and compared in a test.
//!
//! Each field is one of
//! * `required`: a reader refuses its absence, a writer always writes it;
//! * `always`: a writer always writes it, a reader takes the default when it is absent (older data);
//! * `optional`: written only when it says something, absent or null read as the default.

macro_rules! record {
    ($(#[doc = $doc:literal])+ $(#[derive($extra:ident)])? pub struct $name:ident<$life:lifetime> { $($body:tt)* }) => {
        $crate::record::record_body! { [$life] [<$life>] [$($extra)?] [$($doc)+] $name { $($body)* } }
    };
    ($(#[doc = $doc:literal])+ $(#[derive($extra:ident)])? pub struct $name:ident { $($body:tt)* }) => {
        $crate::record::record_body! { ['de] [] [$($extra)?] [$($doc)+] $name { $($body)* } }
    };
}

macro_rules! record_body {
    ([$life:lifetime] [$($generics:tt)*] [$($extra:ident)?] [$($doc:literal)+] $name:ident {
        $( $(#[doc = $field_doc:literal])+ $mode:ident $key:literal $field:ident : $kind:ty ),+ $(,)?
    }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq $(, $extra)?)]
        pub struct $name $($generics)* { $( $(#[doc = $field_doc])+ pub $field: $kind ),+ }

        impl<$life> $crate::field::Decode<$life> for $name $($generics)* {
            fn decode<D: serde::de::Deserializer<$life>>(
                deserializer: D,
                context: &mut $crate::context::Context<$life>,
                place: &$crate::context::Place<'_>,
            ) -> Result<Self, D::Error> {
                struct Reader<'s, 'p, $life> {
                    context: &'s mut $crate::context::Context<$life>,
                    place: &'s $crate::context::Place<'p>,
                }
                impl<'s, 'p, $life> serde::de::Visitor<$life> for Reader<'s, 'p, $life> {
                    type Value = $name $($generics)*;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }
                    fn visit_map<A: serde::de::MapAccess<$life>>(self, mut members: A) -> Result<Self::Value, A::Error> {
                        let Reader { context, place } = self;
                        $( let mut $field: Option<$crate::record::record_slot!($mode $kind)> = None; )+
                        while let Some(key) = members.next_key_seed($crate::field::Key)? {
                            match key.as_ref() {
                                $( $key => {
                                    let here = $crate::context::Place::Name(place, $key);
                                    if $field.is_some() {
                                        return Err(context.fail($crate::error::ErrorCode::FieldTwice, &here, "stands twice in one object"));
                                    }
                                    $field = Some(members.next_value_seed($crate::field::Seed::new(&mut *context, &here))?);
                                } )+
                                _ => $crate::record::unknown_member(&mut members, key, context, place)?,
                            }
                        }
                        Ok($name { $( $field: $crate::record::record_finish!($mode $key $field context place) ),+ })
                    }
                }
                deserializer.deserialize_map(Reader { context, place })
            }
        }

        impl $($generics)* $crate::field::Encode for $name $($generics)* {
            fn encode<S: serde::ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut object = serializer.serialize_map(None)?;
                $( $crate::record::record_write!($mode $key self.$field => object); )+
                serde::ser::SerializeMap::end(object)
            }
            fn is_vacant(&self) -> bool {
                $( $crate::record::record_vacant!($mode self.$field) )&&+
            }
        }

        impl $($generics)* $crate::field::Described for $name $($generics)* {
            fn shape() -> $crate::shape::Shape {
                $crate::shape::Shape::Record($crate::shape::RecordShape {
                    name: stringify!($name),
                    doc: [$($doc),+].concat().trim().to_owned(),
                    fields: vec![$( $crate::shape::FieldShape {
                        name: $key,
                        doc: [$($field_doc),+].concat().trim().to_owned(),
                        required: $crate::record::record_required!($mode),
                        shape: <$kind as $crate::field::Described>::shape(),
                    } ),+],
                })
            }
        }

        impl $($generics)* serde::Serialize for $name $($generics)* {
            fn serialize<S: serde::ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::field::Encode::encode(self, serializer)
            }
        }
    };
}

macro_rules! record_slot {
    (required $kind:ty) => { $kind };
    ($mode:ident $kind:ty) => { Option<$kind> };
}

macro_rules! record_finish {
    (required $key:literal $field:ident $context:ident $place:ident) => {
        match $field {
            Some(value) => value,
            None => {
                let here = $crate::context::Place::Name($place, $key);
                return Err($context.fail(
                    $crate::error::ErrorCode::FieldMissing,
                    &here,
                    "this field is required",
                ));
            }
        }
    };
    ($mode:ident $key:literal $field:ident $context:ident $place:ident) => {
        $field.flatten().unwrap_or_default()
    };
}

macro_rules! record_write {
    (optional $key:literal $this:ident . $field:ident => $object:ident) => {
        if !$crate::field::Encode::is_vacant(&$this.$field) {
            serde::ser::SerializeMap::serialize_entry(
                &mut $object,
                $key,
                &$crate::field::As(&$this.$field),
            )?;
        }
    };
    ($mode:ident $key:literal $this:ident . $field:ident => $object:ident) => {
        serde::ser::SerializeMap::serialize_entry(
            &mut $object,
            $key,
            &$crate::field::As(&$this.$field),
        )?;
    };
}

macro_rules! record_vacant {
    (optional $this:ident . $field:ident) => {
        $crate::field::Encode::is_vacant(&$this.$field)
    };
    ($mode:ident $this:ident . $field:ident) => {
        false
    };
}

macro_rules! record_required {
    (required) => {
        true
    };
    ($mode:ident) => {
        false
    };
}

pub(crate) use {
    record, record_body, record_finish, record_required, record_slot, record_vacant, record_write,
};

/// Keeps or skips a member that the record does not know.
pub(crate) fn unknown_member<'de, A: serde::de::MapAccess<'de>>(
    members: &mut A,
    key: std::borrow::Cow<'de, str>,
    context: &mut crate::context::Context<'de>,
    place: &crate::context::Place<'_>,
) -> Result<(), A::Error> {
    if !context.keep_unknown {
        return members.next_value::<serde::de::IgnoredAny>().map(|_| ());
    }
    let here = crate::context::Place::Name(place, &key);
    if context.unknown.len() >= crate::MAX_LIST_ENTRIES {
        let reason = format!("more than {} unknown fields", crate::MAX_LIST_ENTRIES);
        return Err(context.fail(crate::error::ErrorCode::ListTooLong, &here, reason));
    }
    let json: &'de serde_json::value::RawValue = members
        .next_value()
        .inspect_err(|_| context.locate(&here))?;
    let name = place.dotted(&key).map_or(key, std::borrow::Cow::Owned);
    context.unknown.push(crate::context::ExtraField {
        name,
        json: std::borrow::Cow::Borrowed(json.get()),
    });
    Ok(())
}
