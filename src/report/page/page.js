'use strict';
// Sorts and filters the table of owners. Without this script the page shows the same, in the order of owners.
(() => {
  const table = document.getElementById('owners-table');
  const body = table.tBodies[0];
  const rows = Array.from(body.rows).filter((row) => row.dataset.verdict);
  const headers = Array.from(table.tHead.rows[0].cells);
  const words = new Intl.Collator('en', { numeric: true });

  // Amounts are compared as whole numbers of any size, never as floats.
  const number = (cell) => (cell.dataset.key ? BigInt(cell.dataset.key) : null);
  const compare = {
    text: (a, b) => words.compare(a.textContent, b.textContent),
    number: (a, b) => {
      const [x, y] = [number(a), number(b)];
      if (x === null || y === null) {
        return (x === null) - (y === null);
      }
      return x < y ? -1 : x > y ? 1 : 0;
    },
  };

  const sort = (header) => {
    const column = headers.indexOf(header);
    const down = header.getAttribute('aria-sort') === 'ascending';
    const by = compare[header.dataset.sort];
    const ordered = rows.slice().sort((a, b) => by(a.cells[column], b.cells[column]));
    headers.forEach((other) => other.removeAttribute('aria-sort'));
    header.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    body.append(...(down ? ordered.reverse() : ordered));
  };

  headers.filter((header) => header.dataset.sort).forEach((header) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener('click', () => sort(header));
  });

  const find = document.getElementById('owners-find');
  const verdict = document.getElementById('owners-verdict');
  const count = document.getElementById('owners-count');
  const filter = () => {
    const text = find.value.trim().toLowerCase();
    let shown = 0;
    rows.forEach((row) => {
      const fits = row.cells[0].textContent.toLowerCase().includes(text)
        && (!verdict.value || row.dataset.verdict === verdict.value);
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    count.textContent = `${shown} of ${rows.length} shown`;
  };
  const form = document.getElementById('owners-filter');
  form.addEventListener('submit', (event) => event.preventDefault());
  find.addEventListener('input', filter);
  verdict.addEventListener('change', filter);
  form.hidden = rows.length === 0;
  filter();
})();
