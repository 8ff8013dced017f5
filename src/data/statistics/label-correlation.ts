/**
 * The correlation of an indicator with a number or with another indicator, and its standard error.
 *
 * Source: the influence function of a correlation, `zx zy - r (zx^2 + zy^2) / 2` (Devlin, Gnanadesikan and Kettenring
 * 1975, equation 2.3); its mean square over the rows is the variance, with no assumption of normality.
 */

export type Correlation = Readonly<{ correlation: number; error: number }>

/** Mixed moments of two standardised variables, `xiyj = mean(zx^i zy^j)`. */
type Moments = Readonly<{ x4: number; x3y1: number; x2y2: number; x1y3: number; y4: number }>

function errorOf(correlation: number, { x4, x3y1, x2y2, x1y3, y4 }: Moments, rows: number): number {
  const half = correlation / 2
  const square = x2y2 * (1 + 2 * half * half) + half * half * (x4 + y4) - 2 * half * (x3y1 + x1y3)
  // Never less than normal theory says: a cell without rows looks surer than it is.
  return Math.max(Math.sqrt(Math.max(0, square) / rows), (1 - correlation * correlation) / Math.sqrt(rows))
}

/**
 * @param options.powers for each class, sums of the first four powers of the number, row-major, `classes * 4`
 * @param options.own rows of the class `code`
 */
export function pointBiserial({
  rows,
  own,
  powers,
  code,
}: Readonly<{ rows: number; own: number; powers: Float64Array; code: number }>): Correlation {
  const share = own / rows
  const inAll = [0, 0, 0, 0]
  for (let at = 0; at < powers.length; at += 1) inAll[at % 4] = (inAll[at % 4] ?? 0) + (powers[at] ?? 0) / rows
  const ofOwn = Array.from(powers.subarray(code * 4, code * 4 + 4), (sum) => sum / rows)
  const [all, mine] = [centred([1, ...inAll]), centred([share, ...ofOwn], inAll[0])]
  const spread = Math.sqrt(all[2] ?? 0)
  if (!(share > 0 && share < 1 && spread > 0)) return { correlation: 0, error: rows > 0 ? 1 / Math.sqrt(rows) : 1 }
  // The indicator, standardised, is `yes` in the class and `no` outside of it.
  const [yes, no] = [Math.sqrt((1 - share) / share), -Math.sqrt(share / (1 - share))]
  const mixed = (i: number, j: number): number =>
    ((mine[i] ?? 0) * yes ** j + ((all[i] ?? 0) - (mine[i] ?? 0)) * no ** j) / spread ** i
  const correlation = Math.max(-1, Math.min(1, mixed(1, 1)))
  const moments = { x4: mixed(4, 0), x3y1: mixed(3, 1), x2y2: mixed(2, 2), x1y3: mixed(1, 3), y4: mixed(0, 4) }
  return { correlation, error: errorOf(correlation, moments, rows) }
}

/** Sums of powers 0 to 4 about `centre`, from sums about zero; the centre is the first moment when left out. */
function centred(raw: readonly number[], centre = raw[1] ?? 0): readonly number[] {
  const [n = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0] = raw
  const c = centre
  return [
    n,
    s1 - c * n,
    s2 - 2 * c * s1 + c * c * n,
    s3 - 3 * c * s2 + 3 * c * c * s1 - c ** 3 * n,
    s4 - 4 * c * s3 + 6 * c * c * s2 - 4 * c ** 3 * s1 + c ** 4 * n,
  ]
}

/** Source: Yule (1912): the correlation of two indicators; `value` and `own` rows have one, `both` have both. */
export function phi({
  rows,
  both,
  value,
  own,
}: Readonly<{ rows: number; both: number; value: number; own: number }>): Correlation {
  const spread = value * (rows - value) * own * (rows - own)
  if (!(spread > 0)) return { correlation: 0, error: rows > 0 ? 1 / Math.sqrt(rows) : 1 }
  const correlation = (rows * both - value * own) / Math.sqrt(spread)
  const levels = (share: number): readonly [number, number] => [
    Math.sqrt((1 - share) / share),
    -Math.sqrt(share / (1 - share)),
  ]
  const [xs, ys] = [levels(value / rows), levels(own / rows)]
  const cells = [both, value - both, own - both, rows - value - own + both]
  const mixed = (i: number, j: number): number =>
    cells.reduce(
      (sum, count, cell) =>
        sum + (count / rows) * (cell < 2 ? xs[0] : xs[1]) ** i * (cell % 2 === 0 ? ys[0] : ys[1]) ** j,
      0,
    )
  const moments = { x4: mixed(4, 0), x3y1: mixed(3, 1), x2y2: mixed(2, 2), x1y3: mixed(1, 3), y4: mixed(0, 4) }
  return { correlation, error: errorOf(correlation, moments, rows) }
}
