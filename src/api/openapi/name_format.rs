//! What the API's description says of names.

use utoipa::Modify;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{Object, SchemaFormat};
use utoipa::openapi::{OpenApi, RefOr, Schema};

/// What [`check_name`](crate::ids::check_name) accepts.
const PATTERN: &str = r"^[^\x00-\x1f\x7f-\x9f]{1,255}$";
const MOST_CHARACTERS: usize = 255;

/// Describes the parameters and members whose format is `name`: of merchants, users and what is
/// searched for. OpenAPI has no such format, so they get a pattern and lengths instead of it.
pub(super) struct NameFormat;

impl Modify for NameFormat {
    fn modify(&self, document: &mut OpenApi) {
        let operations = document.paths.paths.values_mut().flat_map(operations);
        for parameter in operations.filter_map(|operation| operation.parameters.as_mut()).flatten() {
            if let RefOr::T(parameter) = parameter
                && let Some(RefOr::T(Schema::Object(object))) = &mut parameter.schema
            {
                describe(object);
            }
        }
        let schemas = document.components.iter_mut().flat_map(|components| components.schemas.values_mut());
        for schema in schemas {
            if let RefOr::T(Schema::Object(object)) = schema {
                object.properties.values_mut().for_each(describe_member);
            }
        }
    }
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.get, &mut path.put, &mut path.post, &mut path.delete].into_iter().flatten()
}

fn describe_member(member: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = member {
        describe(object);
    }
}

fn describe(object: &mut Object) {
    if matches!(&object.format, Some(SchemaFormat::Custom(format)) if format == "name") {
        object.format = None;
        object.min_length = Some(1);
        object.max_length = Some(MOST_CHARACTERS);
        object.pattern = Some(PATTERN.to_owned());
    }
}
