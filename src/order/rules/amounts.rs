//! Klarna's arithmetic, without rounding. Amounts are 64-bit integers in minor units (such as
//! cents); products and sums use 128 bits.

/// Returns the `total_amount` of a line, calculated from its other amounts.
pub(super) fn line_total(quantity: i64, unit_price: i64, discount: i64) -> i128 {
    i128::from(quantity) * i128::from(unit_price) - i128::from(discount)
}

/// Returns whether `total` is at most one minor unit for each item away from `expected`. Shops
/// round the unit price after a division.
pub(super) fn total_fits(total: i64, expected: i128, quantity: i64) -> bool {
    (i128::from(total) - expected).abs() <= i128::from(quantity)
}

/// Returns whether `tax` is within ±1 of `total − total × 10000 / (10000 + rate)`, which is the tax
/// in `total` at `rate` (in hundredths of a percent, not negative). Both sides are multiplied out,
/// so nothing is rounded.
pub(super) fn tax_fits(total: i64, rate: i64, tax: i64) -> bool {
    let whole = 10_000 + i128::from(rate);
    (i128::from(tax) * whole - i128::from(total) * i128::from(rate)).abs() <= whole
}

/// Returns the tax in `total` at `rate`, rounded to minor units. Only for messages.
pub(super) fn nearest_tax(total: i64, rate: i64) -> i128 {
    let whole = 10_000 + i128::from(rate);
    (2 * i128::from(total) * i128::from(rate) + whole).div_euclid(2 * whole)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn klarnas_example() {
        assert_eq!(line_total(5, 10_000, 0), 50_000);
        assert_eq!(nearest_tax(50_000, 1000), 4545);
        // Exactly 4545.45…: one off on either side is 4544.45… to 4546.45….
        let fitting: Vec<_> = (4540..4550).filter(|tax| tax_fits(50_000, 1000, *tax)).collect();
        assert_eq!(fitting, [4545, 4546]);
    }

    #[test]
    fn a_total_may_be_one_off_for_each_item() {
        let fitting: Vec<_> = (990..1010).filter(|total| total_fits(*total, 999, 3)).collect();
        assert_eq!(fitting, [996, 997, 998, 999, 1000, 1001, 1002]);
        assert!(total_fits(0, 0, 0) && !total_fits(1, 0, 0));
    }

    #[test]
    fn a_whole_tax_may_be_one_off_on_either_side() {
        let fitting: Vec<_> = (990..1010).filter(|tax| tax_fits(11_000, 1000, *tax)).collect();
        assert_eq!(fitting, [999, 1000, 1001]);
        let fitting: Vec<_> = (-1010..-990).filter(|tax| tax_fits(-11_000, 1000, *tax)).collect();
        assert_eq!(fitting, [-1001, -1000, -999]);
    }

    proptest! {
        #[test]
        fn the_tolerance_is_that_of_exact_fractions(total: i64, rate in 0..=10_000_i64, off in -3..=3_i64) {
            let tax = i64::try_from(nearest_tax(total, rate)).unwrap().saturating_add(off);
            // |tax − (total − total·10000/(10000+rate))| ≤ 1, as Klarna writes it,
            // multiplied by the denominator.
            let denominator = 10_000 + i128::from(rate);
            let exact = i128::from(total) * denominator - i128::from(total) * 10_000;
            let distance = (i128::from(tax) * denominator - exact).abs();
            prop_assert_eq!(tax_fits(total, rate, tax), distance <= denominator);
        }

        #[test]
        fn the_nearest_tax_fits_and_two_off_does_not(total in -100_000_000..=100_000_000_i64, rate in 0..=10_000_i64) {
            let tax = i64::try_from(nearest_tax(total, rate)).unwrap();
            prop_assert!(tax_fits(total, rate, tax));
            prop_assert!(!tax_fits(total, rate, tax + 2));
            prop_assert!(!tax_fits(total, rate, tax - 2));
        }

        #[test]
        fn nothing_overflows(a: i64, b: i64, c: i64) {
            let total = line_total(a, b, c);
            prop_assert_eq!(total + i128::from(c), i128::from(a) * i128::from(b));
        }
    }
}
