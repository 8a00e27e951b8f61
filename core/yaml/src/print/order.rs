//! The order of keys: go-yaml v2's, in which `a2` comes before `a10`.

use std::cmp::Ordering;

use super::letters::{is_digit, is_letter};

/// Which key comes first. At the first difference two letters compare by code point, what is no letter comes before a letter,
/// runs of digits compare as numbers and then by their length.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    let shared = left.bytes().zip(right.bytes()).take_while(|(left, right)| left == right).count();
    if shared == left.len().min(right.len()) {
        return left.len().cmp(&right.len());
    }
    let at = (0..=shared).rev().find(|at| left.is_char_boundary(*at)).unwrap_or(0);
    let (common, left_rest) = left.split_at(at);
    let right_rest = right.get(at..).unwrap_or_default();
    let (Some(a), Some(b)) = (left_rest.chars().next(), right_rest.chars().next()) else { return Ordering::Equal };
    match (is_letter(a), is_letter(b)) {
        (true, true) => return a.cmp(&b),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let continues = (a == '0' || b == '0') && ends_in_number(common);
    let (a_number, a_digits) = number(left_rest, continues);
    let (b_number, b_digits) = number(right_rest, continues);
    a_number.cmp(&b_number).then(a_digits.cmp(&b_digits)).then(a.cmp(&b))
}

/// Whether the digits at the end are more than zeros.
fn ends_in_number(text: &str) -> bool {
    text.chars().rev().take_while(|character| is_digit(*character)).any(|digit| digit != '0')
}

/// The number at the beginning and how many digits it has; `continues` stands for digits before it.
fn number(text: &str, continues: bool) -> (i64, usize) {
    text.chars().take_while(|character| is_digit(*character)).fold(
        (i64::from(continues), 0),
        |(number, digits), digit| {
            let digit = i64::from(u32::from(digit)) - i64::from(u32::from('0'));
            (number.wrapping_mul(10).wrapping_add(digit), digits + 1)
        },
    )
}

/// Sorts the items from one on. The order has cycles (`2`, `10`, `1a`), for which kustomize prints now this and now that; here
/// the same keys always come out the same. The sorts of the standard library may panic over such an order, this one does not.
pub(crate) fn sort<T>(items: &mut Vec<T>, from: usize, key: impl Fn(&T) -> &str + Copy) {
    let Some(unsorted) = items.get_mut(from..) else { return };
    if unsorted.iter().any(|item| key(item).bytes().any(|byte| byte.is_ascii_digit() || !byte.is_ascii())) {
        unsorted.sort_by(|left, right| key(left).cmp(key(right)));
    }
    if unsorted.len() > INSERTION_MAX {
        let sorted = merge_sort(items.drain(from..).collect(), key);
        items.extend(sorted);
        return;
    }
    for end in 1..unsorted.len() {
        let mut at = end;
        while at > 0 && compare(key(&unsorted[at - 1]), key(&unsorted[at])) == Ordering::Greater {
            unsorted.swap(at - 1, at);
            at -= 1;
        }
    }
}

const INSERTION_MAX: usize = 16;

fn merge_sort<T>(mut items: Vec<T>, key: impl Fn(&T) -> &str + Copy) -> Vec<T> {
    if items.windows(2).all(|pair| compare(key(&pair[0]), key(&pair[1])) == Ordering::Less) {
        return items;
    }
    let right = merge_sort(items.split_off(items.len() / 2), key);
    let left = merge_sort(items, key);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let from_right = compare(key(a), key(b)) == Ordering::Greater;
        merged.extend(if from_right { right.next() } else { left.next() });
    }
    merged.extend(left);
    merged.extend(right);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_go_yaml() {
        let ordered =
            ["", "-", "2", "10", "A", "a", "a-b", "a.b", "a0", "a1", "a1a", "a01", "a2", "ab", "b2", "b10", "é", "中"];
        let mut backwards: Vec<&str> = ordered.iter().rev().copied().collect();
        sort(&mut backwards, 0, |key| key);
        assert_eq!(backwards, ordered);
    }

    #[test]
    fn keys_of_a_cycle_are_always_in_the_same_order() {
        let keys = ["2", "10", "1a"];
        for (first, second, third) in [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)] {
            let mut sorted = vec![keys[first], keys[second], keys[third]];
            sort(&mut sorted, 0, |key| key);
            assert_eq!(sorted, ["10", "1a", "2"]);
        }
    }

    #[test]
    fn numbers_beyond_64_bits_are_sorted_without_a_panic() {
        let mut keys: Vec<String> =
            (0..400u32).map(|index| format!("k{}", "9".repeat((index * 7 % 61) as usize))).collect();
        sort(&mut keys, 0, |key| key);
        assert_eq!(keys.len(), 400);
    }
}
