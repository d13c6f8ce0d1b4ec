DROP TABLE closings;

-- What the table was, for whoever looks.
CREATE VIEW closings AS
SELECT owner, day.value ->> 0 AS day, currency, day.value ->> 1 AS opening, day.value ->> 2 AS closing
FROM closing_spans, json_each(days) AS day;
