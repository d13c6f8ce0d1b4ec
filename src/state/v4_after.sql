DROP TABLE closings;

-- What the table was, for whoever looks.
CREATE VIEW closings AS
SELECT owner, json_extract(day.value, '$[0]') AS day, currency, json_extract(day.value, '$[1]') AS opening,
       json_extract(day.value, '$[2]') AS closing
FROM closing_spans, json_each(days) AS day;
