import fc from 'fast-check'

/**
 * A character of any code point, surrogates left out. The unit "binary" of fast-check is the same, but takes seconds to
 * set up.
 */
export const anyCharacter: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xff }) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 0xd7ff }) },
    { weight: 2, arbitrary: fc.integer({ min: 0xe000, max: 0x10ffff }) }
  )
  .map(codePoint => String.fromCodePoint(codePoint))
