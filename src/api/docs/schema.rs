//! What a schema says, in words: its type, its limits, its members.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::text::{is_true, paragraphs, text};

/// Where a reference to a schema begins.
const PREFIX: &str = "#/components/schemas/";

/// The schemas that the document gives names to.
pub(super) struct Schemas<'a>(Option<&'a Map<String, Value>>);

impl<'a> Schemas<'a> {
    pub(super) fn of(document: &'a Value) -> Self {
        Self(document["components"]["schemas"].as_object())
    }

    /// Returns the schemas with their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        self.0.into_iter().flatten().map(|(name, schema)| (name.as_str(), schema))
    }

    /// A schema with its description, its members and its example.
    pub(super) fn whole(&self, schema: &Value) -> Markup {
        html! {
            (paragraphs(&schema["description"]))
            @if !self.has_members(schema) { p { span.type { (type_of(schema)) } } }
            (self.members_of(schema))
            (self.example_of(schema))
        }
    }

    /// Returns whether the schema has members to show: those of an object, or of the objects in an
    /// array.
    pub(super) fn has_members(&self, schema: &Value) -> bool {
        self.object(schema).is_some()
    }

    /// The members of an object, or of the objects of an array; nothing for other schemas.
    pub(super) fn members_of(&self, schema: &Value) -> Markup {
        let Some(object) = self.object(schema) else { return html! {} };
        let required = object["required"].as_array();
        let is_required =
            |name: &str| required.is_some_and(|required| required.iter().any(|other| other == name));
        let mut members: Vec<_> = object["properties"].as_object().into_iter().flatten().collect();
        members.sort_by_key(|(name, _)| !is_required(name));
        html! {
            ul.members {
                @for (name, member) in members {
                    @let required = is_required(name);
                    li { (self.member(&Member { name, described: member, schema: member, required, place: None })) }
                }
            }
        }
    }

    /// A member or parameter: its name and type, then what it is for.
    pub(super) fn member(&self, member: &Member<'_>) -> Markup {
        let Member { described, schema, .. } = *member;
        let example = described.get("example").or_else(|| schema.get("example"));
        let example = example.or_else(|| schema["examples"].get(0));
        html! {
            p.member {
                code.name { (member.name) } " "
                span.type { @if let Some(place) = member.place { (place) ", " } (type_of(schema)) }
                @if member.required { " " span.required { "required" } }
                @if is_true(&schema["writeOnly"]) { " " span.type { "never in a response" } }
            }
            (paragraphs(described.get("description").unwrap_or(&schema["description"])))
            @if let Some(values) = self.values(schema) { p.note { "One of " (list(values)) "." } }
            @if let Some(default) = schema.get("default") { p.note { "Default: " code { (default) } } }
            @if let Some(example) = example { p.note { "Example: " code { (plain(example)) } } }
        }
    }

    /// The example of a schema or a media type, where there is one.
    pub(super) fn example_of(&self, described: &Value) -> Markup {
        let target = name_of(&described["schema"]).and_then(|name| self.0?.get(name));
        let example = described.get("example").or_else(|| target?.get("example"));
        let example = example.and_then(|example| serde_json::to_string_pretty(example).ok());
        html! {
            @if let Some(example) = example {
                details {
                    summary { "Example" }
                    pre tabindex="0" aria-label="Example" { (example) }
                }
            }
        }
    }

    /// The object that a schema names, is, or has as its items.
    fn object<'s>(&'s self, schema: &'s Value) -> Option<&'s Value> {
        let schema = self.target(schema);
        if schema["properties"].is_object() {
            return Some(schema);
        }
        let items = schema.get("items")?;
        let items = items["anyOf"].get(0).unwrap_or(items);
        Some(self.target(items)).filter(|items| items["properties"].is_object())
    }

    /// The values of an enumeration.
    fn values<'s>(&'s self, schema: &'s Value) -> Option<&'s Vec<Value>> {
        self.target(schema)["enum"].as_array()
    }

    fn target<'s>(&'s self, schema: &'s Value) -> &'s Value {
        name_of(schema).and_then(|name| self.0?.get(name)).unwrap_or(schema)
    }
}

/// The type in words, with links to the schemas that it names.
pub(super) fn type_of(schema: &Value) -> Markup {
    if let Some(name) = name_of(schema) {
        return link(name);
    }
    if let Some(ways) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
        return html! { @for (at, way) in ways.iter().enumerate() { @if at > 0 { " or " } (type_of(way)) } };
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(types) => types.iter().map(text).collect(),
        one => one.as_str().into_iter().collect(),
    };
    html! {
        @if types.is_empty() { "anything" }
        @for (at, kind) in types.iter().enumerate() {
            @if at > 0 { " or " }
            @match *kind {
                "array" => { "array of " (type_of(&schema["items"])) },
                "object" if schema["additionalProperties"].is_object() => {
                    "object whose members are each " (type_of(&schema["additionalProperties"]))
                },
                kind => (kind),
            }
        }
        @if let Some(format) = schema["format"].as_str() { " (" (format) ")" }
        (limits(schema))
    }
}

/// A member of an object, or a parameter of an operation.
pub(super) struct Member<'a> {
    name: &'a str,
    /// The JSON object with its description and its example.
    described: &'a Value,
    schema: &'a Value,
    required: bool,
    /// Where a parameter belongs: `path`, `query` or `header`.
    place: Option<&'a str>,
}

impl<'a> Member<'a> {
    pub(super) fn parameter(parameter: &'a Value) -> Self {
        Self {
            name: text(&parameter["name"]),
            described: parameter,
            schema: &parameter["schema"],
            required: is_true(&parameter["required"]),
            place: parameter["in"].as_str(),
        }
    }
}

/// A link to where the page describes a schema.
pub(super) fn link(name: &str) -> Markup {
    html! { a href={ "#schema-" (name) } { (name) } }
}

fn name_of(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix(PREFIX)
}

/// The bounds of a number, a text or an array, and the pattern of a text.
fn limits(schema: &Value) -> Markup {
    let range = |least: &str, most: &str| match (schema.get(least), schema.get(most)) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}")),
        (Some(least), None) => Some(format!("{least} or more")),
        (None, Some(most)) => Some(format!("at most {most}")),
        (None, None) => None,
    };
    html! {
        @if let Some(range) = range("minimum", "maximum") { ", " (range) }
        @if let Some(range) = range("minLength", "maxLength") { ", " (range) " characters" }
        @if let Some(range) = range("minItems", "maxItems") { ", " (range) " items" }
        @if let Some(pattern) = schema["pattern"].as_str() { ", " code { (pattern) } }
    }
}

fn list(values: &[Value]) -> Markup {
    html! {
        @for (at, value) in values.iter().enumerate() {
            @if at > 0 { ", " }
            code { (plain(value)) }
        }
    }
}

/// A string without its quotation marks; anything else as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}
