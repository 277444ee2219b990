/* Points of secp256k1, y^2 = x^3 + 7, in homogeneous coordinates: (x : y : z) is the affine point (x/z, y/z), and
 * (0 : 1 : 0) is infinity.
 *
 * The formulas are those of Renes, Costello and Batina (EUROCRYPT 2016, algorithms 7 to 9). They are complete:
 * right for all points, equal, opposite or infinite, so that no lane ever has to go another way, and no input
 * can be made to slow the others down. Coordinates have magnitude 1.
 */

#define B3 21 /* three times the curve's 7 */

typedef struct {
    Number x, y, z;
} Point;

INLINE void set_infinity(Point *r)
{
    set_number(&r->x, 0);
    set_number(&r->y, 1);
    set_number(&r->z, 0);
}

ROUTINE void double_point(Point *r)
{
    Number yy, eight_yy, zz, yz, xy, three_zz, sum, difference;
    square(&yy, &r->y);
    multiple(&eight_yy, 8, &yy);
    square(&zz, &r->z);
    scale(&zz, &zz, B3);
    multiply(&yz, &r->y, &r->z);
    multiply(&xy, &r->x, &r->y);
    multiple(&xy, 2, &xy);
    multiple(&three_zz, 3, &zz);
    subtract(&difference, &yy, &three_zz, 3);
    add(&sum, &yy, &zz);
    multiply(&r->x, &xy, &difference);
    multiply_two(&r->y, &difference, &sum, &eight_yy, &zz);
    multiply(&r->z, &eight_yy, &yz);
}

/* r = (x1 + y1) (x2 + y2) - x1 x2 - y1 y2, with magnitude 4: the mixed terms of a product. */
INLINE void mixed_terms(Number *r, const Number *x1, const Number *y1, const Number *x2, const Number *y2,
                        const Number *xx, const Number *yy)
{
    Number one, other;
    add(&one, x1, y1);
    add(&other, x2, y2);
    multiply(r, &one, &other);
    add(&one, xx, yy);
    subtract(r, r, &one, 2);
}

/* The last part of both additions, from the products of coordinates and the mixed terms; zz is free to use. */
INLINE void finish_addition(Point *r, const Number *xx, const Number *yy, Number *zz, const Number *xy,
                            const Number *yz, const Number *xz)
{
    Number b3_xz, three_xx, sum, difference, negative;
    scale(zz, zz, B3);
    scale(&b3_xz, xz, B3);
    multiple(&three_xx, 3, xx);
    add(&sum, yy, zz);
    subtract(&difference, yy, zz, 1);
    negate(&negative, &b3_xz, 1);
    multiply_two(&r->x, xy, &difference, yz, &negative);
    multiply_two(&r->y, &sum, &difference, &three_xx, &b3_xz);
    multiply_two(&r->z, &sum, yz, &three_xx, xy);
}

/* r += p; p may have y with magnitude 2. */
ROUTINE void add_point(Point *r, const Point *p)
{
    Number xx, yy, zz, xy, yz, xz;
    multiply(&xx, &r->x, &p->x);
    multiply(&yy, &r->y, &p->y);
    multiply(&zz, &r->z, &p->z);
    mixed_terms(&xy, &r->x, &r->y, &p->x, &p->y, &xx, &yy);
    mixed_terms(&yz, &r->y, &r->z, &p->y, &p->z, &yy, &zz);
    mixed_terms(&xz, &r->x, &r->z, &p->x, &p->z, &xx, &zz);
    finish_addition(r, &xx, &yy, &zz, &xy, &yz, &xz);
}

/* r += (x, y), which is not infinity; y may have magnitude 2. */
ROUTINE void add_affine(Point *r, const Number *x, const Number *y)
{
    Number xx, yy, zz = r->z, xy, yz, xz;
    multiply(&xx, &r->x, x);
    multiply(&yy, &r->y, y);
    mixed_terms(&xy, &r->x, &r->y, x, y, &xx, &yy);
    multiply(&yz, &r->z, y);
    add(&yz, &yz, &r->y);
    multiply(&xz, &r->z, x);
    add(&xz, &xz, &r->x);
    finish_addition(r, &xx, &yy, &zz, &xy, &yz, &xz);
}

/* r = a^((p + 1) / 4): a square root of a, if it has one. In names, a to the power of so many ones in binary. */
ROUTINE void square_root(Number *r, const Number *a)
{
    Number two, three, six, nine, eleven, twenty_two, forty_four, many;
    square_and_multiply(&two, a, 1, a);
    square_and_multiply(&three, &two, 1, a);
    square_and_multiply(&six, &three, 3, &three);
    square_and_multiply(&nine, &six, 3, &three);
    square_and_multiply(&eleven, &nine, 2, &two);
    square_and_multiply(&twenty_two, &eleven, 11, &eleven);
    square_and_multiply(&forty_four, &twenty_two, 22, &twenty_two);
    square_and_multiply(&many, &forty_four, 44, &forty_four); /* 88 */
    square_and_multiply(&many, &many, 88, &many);             /* 176 */
    square_and_multiply(&many, &many, 44, &forty_four);       /* 220 */
    square_and_multiply(&many, &many, 3, &three);             /* 223; then p is a 0, 22 ones, and few others */
    square_and_multiply(&many, &many, 23, &twenty_two);
    square_and_multiply(&many, &many, 6, &two);
    square(&many, &many);
    square(r, &many);
}

/* r = x^3 + 7, magnitude 2. */
INLINE void right_side(Number *r, const Number *x)
{
    Number seven;
    square(r, x);
    multiply(r, r, x);
    set_number(&seven, 7);
    add(r, r, &seven);
}
