//! The page: operations by tag, then the schemas that they name.

use maud::{DOCTYPE, Markup, html};
use serde_json::Value;

use super::schema::{self, Member, Schemas};
use super::text::{inline, is_true, paragraphs, phrase, text};

/// The methods of HTTP in the order in which the operations of a path are listed.
const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// One method of one path.
struct Operation<'a> {
    method: &'static str,
    path: &'a str,
    value: &'a Value,
}

impl Operation<'_> {
    /// The operation's id, which is also its anchor on the page.
    fn id(&self) -> &str {
        self.value["operationId"].as_str().unwrap_or_default()
    }

    fn has_tag(&self, tag: &Value) -> bool {
        self.value["tags"].as_array().is_some_and(|tags| tags.contains(&tag["name"]))
    }
}

/// Renders an OpenAPI 3.1 document.
pub(super) fn render(document: &Value) -> Markup {
    let title = text(&document["info"]["title"]);
    let schemas = Schemas::of(document);
    let operations = operations(document);
    let tags = document["tags"].as_array().map_or(&[][..], Vec::as_slice);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "API of " (title) }
                link rel="stylesheet" href="style.css";
            }
            body {
                a.skip href="#main" { "Skip to the operations" }
                header {
                    h1 { "API of " (title) " " span.version { (text(&document["info"]["version"])) } }
                    (paragraphs(&document["info"]["description"]))
                    p { "For programs: " a href="../openapi.json" { "openapi.json" } " (OpenAPI 3.1)." }
                    (keys(document))
                }
                nav aria-label="Operations" { (contents(&operations, tags, &schemas)) }
                main #main tabindex="-1" {
                    @for tag in tags {
                        section aria-labelledby={ "tag-" (text(&tag["name"])) } {
                            h2 id={ "tag-" (text(&tag["name"])) } { (text(&tag["name"])) }
                            (paragraphs(&tag["description"]))
                            @for operation in operations.iter().filter(|operation| operation.has_tag(tag)) {
                                (operation_article(operation, &schemas))
                            }
                        }
                    }
                    section aria-labelledby="schemas" {
                        h2 #schemas { "Schemas" }
                        @for (name, schema) in schemas.iter() {
                            article aria-labelledby={ "schema-" (name) } {
                                h3 id={ "schema-" (name) } { code { (name) } }
                                (schemas.whole(schema))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(path, methods)| {
        METHODS
            .into_iter()
            .filter_map(move |method| Some(Operation { method, path, value: methods.get(method)? }))
    });
    operations.collect()
}

fn contents(operations: &[Operation<'_>], tags: &[Value], schemas: &Schemas<'_>) -> Markup {
    html! {
        @for tag in tags {
            h2 { a href={ "#tag-" (text(&tag["name"])) } { (text(&tag["name"])) } }
            ul {
                @for operation in operations.iter().filter(|operation| operation.has_tag(tag)) {
                    li { a href={ "#" (operation.id()) } { (phrase(&operation.value["summary"])) } }
                }
            }
        }
        h2 { a href="#schemas" { "schemas" } }
        ul.schemas { @for (name, _) in schemas.iter() { li { (schema::link(name)) } } }
    }
}

/// How a caller presents its key.
fn keys(document: &Value) -> Markup {
    let schemes = document["components"]["securitySchemes"].as_object().into_iter().flatten();
    html! {
        @for (_, scheme) in schemes {
            p {
                "Send a key in the header " code { "Authorization: Bearer " var { "key" } } ". "
                (inline(text(&scheme["description"]))) "."
            }
        }
    }
}

fn operation_article(operation: &Operation<'_>, schemas: &Schemas<'_>) -> Markup {
    let value = operation.value;
    let parameters = value["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    html! {
        article aria-labelledby=(operation.id()) {
            h3 id=(operation.id()) { (phrase(&value["summary"])) }
            p.call {
                span.method.(operation.method) { (operation.method.to_uppercase()) } " "
                code { @for part in operation.path.split_inclusive('/') { (part) wbr; } }
            }
            (paragraphs(&value["description"]))
            @if is_open(value) { p.note { "No API key is needed." } }
            @if !parameters.is_empty() {
                h4 { "Parameters" }
                ul.members {
                    @for parameter in parameters {
                        li { (schemas.member(&Member::parameter(parameter))) }
                    }
                }
            }
            @if let Some(body) = value.get("requestBody") { (body_part(body, schemas)) }
            (responses(value, schemas))
        }
    }
}

/// Returns whether the operation needs no key: its `security` is present and names no scheme.
fn is_open(operation: &Value) -> bool {
    let security = operation["security"].as_array();
    security.is_some_and(|schemes| {
        schemes.iter().all(|scheme| scheme.as_object().is_some_and(serde_json::Map::is_empty))
    })
}

fn body_part(body: &Value, schemas: &Schemas<'_>) -> Markup {
    html! {
        h4 { "Request body" @if is_true(&body["required"]) { " (required)" } }
        (paragraphs(&body["description"]))
        @for (media_type, content) in body["content"].as_object().into_iter().flatten() {
            p { code { (media_type) } ": " (schema::type_of(&content["schema"])) }
            (schemas.members_of(&content["schema"]))
            (schemas.example_of(content))
        }
    }
}

/// The responses of success with their fields, then the errors, which all have the same schema.
fn responses(operation: &Value, schemas: &Schemas<'_>) -> Markup {
    let responses = || operation["responses"].as_object().into_iter().flatten();
    html! {
        h4 { "Responses" }
        @for (status, response) in responses().filter(|(_, response)| !is_problem(response)) {
            div.response {
                p { span.status { (status) } " " (phrase(&response["description"])) }
                @for (name, header) in response["headers"].as_object().into_iter().flatten() {
                    p.note { "Header " code { (name) } ": " (phrase(&header["description"])) }
                }
                @for (media_type, content) in response["content"].as_object().into_iter().flatten() {
                    p.note { code { (media_type) } ": " (schema::type_of(&content["schema"])) }
                    @if schemas.has_members(&content["schema"]) {
                        details {
                            summary { "Fields" }
                            (schemas.members_of(&content["schema"]))
                        }
                    }
                    (schemas.example_of(content))
                }
            }
        }
        @if responses().any(|(_, response)| is_problem(response)) {
            details {
                summary { "Errors" }
                p.note { code { (PROBLEM) } ": " (schema::link("ProblemDetails")) }
                ul.members {
                    @for (status, response) in responses().filter(|(_, response)| is_problem(response)) {
                        (error(status, response))
                    }
                }
            }
        }
    }
}

/// The media type of errors (RFC 9457).
const PROBLEM: &str = super::super::problem::MEDIA_TYPE;

fn is_problem(response: &Value) -> bool {
    response["content"].get(PROBLEM).is_some()
}

fn error(status: &str, response: &Value) -> Markup {
    let examples = response["content"][PROBLEM]["examples"].as_object();
    html! {
        li.error {
            span.status { (status) }
            div {
                @if examples.is_none() { p { (phrase(&response["description"])) } }
                @for (_, example) in examples.into_iter().flatten() {
                    p { (phrase(&example["summary"])) }
                    p.note { code { (text(&example["value"]["type"])) } }
                    p.note { "Such as: " (inline(text(&example["value"]["detail"]))) }
                }
            }
        }
    }
}
