/* Points of edwards25519, -x^2 + y^2 = 1 + d x^2 y^2, in extended coordinates: (x : y : z : t) is the affine point
 * (x/z, y/z), with t = x y / z.
 *
 * The formulas are those of Hisil, Wong, Carter and Dawson (ASIACRYPT 2008, sections 3.1 and 3.3, with a = -1).
 * They are complete, because d is no square mod p: right for all points, whatever their order. Coordinates
 * have magnitude 1.
 */

typedef struct {
    Number x, y, z, t;
} Point;

/* A point as what it adds: y + x, y - x, 2 z and 2 d t, each of magnitude 1. */
typedef struct {
    Number sum, difference, twice_z, multiple_of_t;
} Addend;

INLINE void set_neutral(Point *r)
{
    set_number(&r->x, 0);
    set_number(&r->y, 1);
    set_number(&r->z, 1);
    set_number(&r->t, 0);
}

/* From what becomes x = e f, y = g h, z = f g and t = e h, which is left out where nothing is to be added. */
INLINE void multiply_out(Point *r, const Number *e, const Number *f, const Number *g, const Number *h,
                         const uint with_t)
{
    multiply(&r->x, e, f);
    multiply(&r->y, g, h);
    multiply(&r->z, f, g);
    if (with_t) multiply(&r->t, e, h);
}

ROUTINE void double_point(Point *r, const uint with_t)
{
    Number xx, yy, zz, e, f, g, h;
    square(&xx, &r->x);
    square(&yy, &r->y);
    square(&zz, &r->z);
    add(&e, &r->x, &r->y);
    square(&e, &e);
    add(&h, &xx, &yy);
    subtract(&e, &e, &h, 2);
    subtract(&g, &yy, &xx, 1);
    multiple(&zz, 2, &zz);
    subtract(&f, &g, &zz, 2);
    negate(&h, &h, 2);
    multiply_out(r, &e, &f, &g, &h, with_t);
}

/* r += p */
ROUTINE void add_point(Point *r, const Addend *p)
{
    Number a, b, c, d, e, f, g, h;
    subtract(&a, &r->y, &r->x, 1);
    multiply(&a, &a, &p->difference);
    add(&b, &r->y, &r->x);
    multiply(&b, &b, &p->sum);
    multiply(&c, &r->t, &p->multiple_of_t);
    multiply(&d, &r->z, &p->twice_z);
    subtract(&e, &b, &a, 1);
    subtract(&f, &d, &c, 1);
    add(&g, &d, &c);
    add(&h, &b, &a);
    multiply_out(r, &e, &f, &g, &h, 1);
}

INLINE void make_addend(Addend *r, const Point *p)
{
    Number factor;
    add(&r->sum, &p->y, &p->x);
    settle_number(&r->sum, &r->sum);
    subtract(&r->difference, &p->y, &p->x, 1);
    settle_number(&r->difference, &r->difference);
    add(&r->twice_z, &p->z, &p->z);
    settle_number(&r->twice_z, &r->twice_z);
    set_constant(&factor, CURVE_2D);
    multiply(&r->multiple_of_t, &p->t, &factor);
}

/* The addend of the opposite point where the mask has all bits set. */
INLINE void negate_addend_where(Addend *r, const wide mask)
{
    const Number sum = r->sum;
    Number negative;
    choose_number(&r->sum, mask, &r->difference, &sum);
    choose_number(&r->difference, mask, &sum, &r->difference);
    negate(&negative, &r->multiple_of_t, 1);
    choose_number(&negative, mask, &negative, &r->multiple_of_t);
    settle_number(&r->multiple_of_t, &negative);
}

/* r = a^((p - 5) / 8), which is 2^252 - 3. In names, a to the power of so many ones in binary. */
ROUTINE void root_power(Number *r, const Number *a)
{
    Number five, ten, fifty, many;
    square_and_multiply(&many, a, 1, a);
    square_and_multiply(&many, &many, 2, &many);
    square_and_multiply(&five, &many, 1, a);
    square_and_multiply(&ten, &five, 5, &five);
    square_and_multiply(&many, &ten, 10, &ten);
    square_and_multiply(&many, &many, 20, &many);
    square_and_multiply(&fifty, &many, 10, &ten);
    square_and_multiply(&many, &fifty, 50, &fifty);
    square_and_multiply(&many, &many, 100, &many);
    square_and_multiply(&many, &many, 50, &fifty);
    square_and_multiply(r, &many, 2, a);
}

/* The affine point, with z = 1, that 32 bytes encode as words (RFC 8032, section 5.1.3); all bits set where there
 * is one. `strict` refuses y of p and more, and a negative x of 0. */
INLINE wide decode(Point *r, const wide words[4], const uint strict)
{
    wide y_words[4], refused = 0;
    const wide sign = 0 - (words[3] >> 63);
    UNROLL for (int i = 0; i < 4; i++) y_words[i] = i == 3 ? words[i] & 0x7ffffffffffffffful : words[i];
    unpack(&r->y, y_words);
    if (strict) refused = ~is_below(&r->y, P);

    /* x^2 = u / v; a root of it, up to a root of -1, is u v^3 (u v^7)^((p - 5) / 8). */
    Number u, v, one, power, x;
    set_number(&one, 1);
    square(&v, &r->y);
    subtract(&u, &v, &one, 1);
    set_constant(&power, CURVE_D);
    multiply(&v, &v, &power);
    add(&v, &v, &one);
    square(&x, &v);
    multiply(&x, &x, &v); /* v^3 */
    square(&power, &x);
    multiply(&power, &power, &v);
    multiply(&power, &power, &u);
    multiply(&x, &x, &u);
    root_power(&power, &power);
    multiply(&x, &x, &power);

    square(&power, &x);
    multiply(&power, &power, &v); /* u, -u, or where there is no root another one */
    const wide is_root = is_equal(&u, &power, 1);
    add(&power, &power, &u);
    const wide is_other = is_zero(&power);
    set_constant(&power, ROOT_OF_MINUS_ONE);
    multiply(&power, &power, &x);
    choose_number(&x, is_root, &x, &power);

    canonical(&x);
    if (strict) refused |= is_nothing(&x) & sign;
    negate(&power, &x, 1);
    choose_number(&x, is_odd(&x) ^ sign, &power, &x);
    settle_number(&r->x, &x);
    set_number(&r->z, 1);
    multiply(&r->t, &r->x, &r->y);
    return (is_root | is_other) & ~refused;
}
