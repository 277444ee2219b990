/* The kernel search_versions: version rolling (BIP 320).
 *
 * An item does `steps` steps of one nonce each, with LANES versions of the header.
 */

/* Digests of LANES headers that differ in nothing but their versions, with one nonce. All of them
 * have the same second block, so one schedule of single words serves every lane. */
INLINE void hash_versions(vec digest[8][CHAINS], Job *job, const uint nonce)
{
    uint w[16][1];
    w[3][0] = SWAP_BYTES(nonce);
    HASH_SECOND_BLOCK
}

WORKER void search_versions_steps(GLOBAL const uint *header, const uint start, const uint count, uint place,
                                  const uint steps, const uint top, GLOBAL uint *found,
                                  const uint capacity, GLOBAL const uint *versions)
{
    vec own[CHAINS];
    for (uint lane = 0; lane < LANES; lane++) ((uint *)own)[lane] = versions[lane];
    Job job;
    prepare(&job, header, own);
    for (uint step = 0; step < steps && place < count; step++, place++) {
        vec digest[8][CHAINS];
        hash_versions(digest, &job, start + place);
        report(digest, LANES * place, LANES, top, found, capacity);
    }
}

/* Candidates among the header with each of LANES versions and each nonce of the window. Version v with
 * the nonce start + n is number LANES * n + v. */
KERNEL void search_versions(GLOBAL const uint *header, const uint start, const uint count,
                            const uint steps, const uint top, GLOBAL uint *found, const uint capacity,
                            GLOBAL const uint *versions)
{
    search_versions_steps(header, start, count, ITEM * steps, steps, top, found, capacity, versions);
}
