//! Rows whose order is unknown, as a graph: each row is an edge from the balance before it to the balance after it, and
//! an order in which the balances tie is an Eulerian path.
//!
//! Where no single path takes all rows, they fall into the fewest trails that do; every place where two trails are
//! joined is a fault. One wrong row therefore costs one or two joins, however many rows share its second.

use std::collections::HashMap;

use super::Entry;
use crate::record::Money;

/// Rows that tie in this order, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trail {
    /// Balance before the first row.
    pub start: Money,
    /// Balance after the last row.
    pub end: Money,
    /// Rows in order.
    pub rows: Vec<u32>,
}

/// What is assumed of rows that no path takes, so that a path takes all others.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    /// Rows whose balance is wrong, with the balances before and after them.
    pub moved: HashMap<u32, (Money, Money)>,
    /// Places where the path may jump from one balance to another.
    pub jumps: Vec<(Money, Money)>,
}

/// Splits the rows into the fewest trails. Linear in the number of rows.
///
/// `rows` come in the order that is preferred wherever several tie; every one of them states its balance. A circle of
/// balances can be entered anywhere: it is entered at `entrance` if it touches that balance, else at its first row.
pub(super) fn split(entries: &[Entry], rows: &[u32], entrance: Option<Money>) -> Vec<Trail> {
    split_repaired(entries, rows, entrance, &Repairs::default())
}

/// The same with repairs. Trails that a jump joins come one after the other.
pub(super) fn split_repaired(
    entries: &[Entry],
    rows: &[u32],
    entrance: Option<Money>,
    repairs: &Repairs,
) -> Vec<Trail> {
    let graph = Graph::new(entries, rows, repairs);
    let mut walk = Walk::new(&graph);
    // Trails that must start somewhere: balances that are left more often than they are reached. All of them are walked
    // to their ends before circles are looked for, as only then every circle returns to where it began.
    let mut found = Vec::new();
    let mut surplus = graph.surplus.clone();
    for node in graph.nodes_by_preference(entrance) {
        for _ in 0..std::mem::take(&mut surplus[node]) {
            found.push(walk.follow(node));
        }
    }
    let mut trails: Vec<Vec<usize>> = found.iter().map(|trail| walk.with_circles(trail)).collect();
    // Circles that touch no trail.
    for node in graph.nodes_by_preference(entrance) {
        let circle = walk.follow(node);
        if !circle.is_empty() {
            trails.push(walk.with_circles(&circle));
        }
    }
    trails.iter().flat_map(|edges| graph.trails(edges)).collect()
}

struct Graph<'a> {
    rows: &'a [u32],
    balance_of: Vec<Money>,
    /// Start and end node of each edge.
    ends: Vec<(usize, usize)>,
    /// Edges that leave each node, in order of preference.
    leaving: Vec<Vec<usize>>,
    /// How much oftener each node is left than reached.
    surplus: Vec<u32>,
}

impl<'a> Graph<'a> {
    fn new(entries: &[Entry], rows: &'a [u32], repairs: &Repairs) -> Self {
        let mut node_of = HashMap::with_capacity(rows.len() + 1);
        let mut balance_of = Vec::with_capacity(rows.len() + 1);
        let mut node = |balance: Money| {
            *node_of.entry(balance).or_insert_with(|| {
                balance_of.push(balance);
                balance_of.len() - 1
            })
        };
        let stated = |row: &u32| {
            let entry = &entries[*row as usize];
            let before = entry.balance_before().expect("only rows with a balance are edges");
            (before, entry.balance.expect("only rows with a balance are edges"))
        };
        let edges = rows.iter().map(|row| repairs.moved.get(row).copied().unwrap_or_else(|| stated(row)));
        let ends: Vec<_> =
            edges.chain(repairs.jumps.iter().copied()).map(|(from, to)| (node(from), node(to))).collect();
        let mut leaving = vec![Vec::new(); balance_of.len()];
        let mut reached = vec![0_usize; balance_of.len()];
        for (edge, (from, to)) in ends.iter().enumerate() {
            leaving[*from].push(edge);
            reached[*to] += 1;
        }
        let surplus = leaving
            .iter()
            .zip(&reached)
            .map(|(leaving, reached)| u32::try_from(leaving.len().saturating_sub(*reached)).unwrap_or(u32::MAX))
            .collect();
        Self { rows, balance_of, ends, leaving, surplus }
    }

    /// The entrance first, then nodes in the order in which the preferred rows leave them.
    fn nodes_by_preference(&self, entrance: Option<Money>) -> impl Iterator<Item = usize> + '_ {
        let first = entrance.and_then(|balance| self.balance_of.iter().position(|held| *held == balance));
        first.into_iter().chain(self.ends.iter().map(|(from, _)| *from).filter(move |node| Some(*node) != first))
    }

    /// Edges beyond the rows are jumps: there a trail ends and another begins.
    fn trails(&self, edges: &[usize]) -> Vec<Trail> {
        let parts = edges.split(|edge| *edge >= self.rows.len());
        parts.filter(|edges| !edges.is_empty()).map(|edges| self.trail(edges)).collect()
    }

    fn trail(&self, edges: &[usize]) -> Trail {
        let (first, last) = (edges[0], edges[edges.len() - 1]);
        Trail {
            start: self.balance_of[self.ends[first].0],
            end: self.balance_of[self.ends[last].1],
            rows: edges.iter().map(|edge| self.rows[*edge]).collect(),
        }
    }
}

/// How far the edges of each node are used up.
struct Walk<'g, 'a> {
    graph: &'g Graph<'a>,
    next: Vec<usize>,
}

impl<'g, 'a> Walk<'g, 'a> {
    fn new(graph: &'g Graph<'a>) -> Self {
        Self { graph, next: vec![0; graph.leaving.len()] }
    }

    /// Follows unused edges from `node` until it is stuck.
    fn follow(&mut self, mut node: usize) -> Vec<usize> {
        let mut edges = Vec::new();
        while let Some(edge) = self.graph.leaving[node].get(self.next[node]) {
            self.next[node] += 1;
            edges.push(*edge);
            node = self.graph.ends[*edge].1;
        }
        edges
    }

    /// Hierholzer's algorithm with its own stack: circles within circles, each edge handled once.
    fn with_circles(&mut self, trail: &[usize]) -> Vec<usize> {
        let mut whole = Vec::with_capacity(trail.len());
        // Edges still to be written, the next one last.
        let mut pending: Vec<usize> = trail.iter().rev().copied().collect();
        let mut node = self.graph.ends[trail[0]].0;
        loop {
            let circle = self.follow(node);
            pending.extend(circle.iter().rev());
            let Some(edge) = pending.pop() else {
                return whole;
            };
            whole.push(edge);
            node = self.graph.ends[edge].1;
        }
    }
}
