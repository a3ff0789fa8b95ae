//! Which part of a list somebody asks for, and in which order. Pure.

use super::form::Form;
use super::reply::Reply;
use hyper::StatusCode;

/// The most that is listed at once, and as many as are if nothing is said: Prefect's limit.
const MOST: i64 = 200;

/// A part of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Page {
    pub(super) offset: usize,
    pub(super) limit: usize,
}

impl Page {
    /// Reads `limit` and `offset`.
    ///
    /// # Errors
    /// The limit is out of range, which Prefect says in a form of its own.
    pub(super) fn read(form: &mut Form) -> Result<Self, Reply> {
        let limit = form.number("limit").unwrap_or(MOST);
        let offset = form.number("offset").unwrap_or(0);
        let invalid =
            |why: &str| Reply::detail(StatusCode::UNPROCESSABLE_ENTITY, format!("Invalid limit: must be {why}."));
        if limit > MOST {
            return Err(invalid("less than or equal to 200"));
        }
        let limit = usize::try_from(limit).map_err(|_| invalid("greater than or equal to 0"))?;
        let offset = usize::try_from(offset).unwrap_or_else(|_| {
            form.mistake(
                "greater_than_equal",
                &["offset"],
                "Input should be greater than or equal to 0",
                &offset.into(),
            );
            0
        });
        Ok(Self { offset, limit })
    }

    pub(super) fn of<T>(self, rows: Vec<T>) -> impl Iterator<Item = T> {
        rows.into_iter().skip(self.offset).take(self.limit)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_has_at_most_200_rows() {
        let read = |body: serde_json::Value| Page::read(&mut Form::new(&body));
        assert_eq!(read(json!({})), Ok(Page { offset: 0, limit: 200 }));
        assert_eq!(read(json!({"limit": 0, "offset": 3})), Ok(Page { offset: 3, limit: 0 }));
        let refused = read(json!({"limit": 201})).expect_err("it is too much");
        let why = json!({"detail": "Invalid limit: must be less than or equal to 200."});
        assert_eq!((refused.status.as_u16(), refused.body), (422, Some(why)));
        assert_eq!(read(json!({"limit": -1})).map_err(|reply| reply.status.as_u16()), Err(422));
        let page = Page { offset: 1, limit: 2 };
        assert_eq!(page.of(vec![1, 2, 3, 4]).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn a_negative_offset_is_a_mistake() {
        let body = json!({"offset": -1});
        let mut form = Form::new(&body);
        assert!(Page::read(&mut form).is_ok());
        assert_eq!(form.done(&body).map_err(|reply| reply.status.as_u16()), Err(422));
    }
}
