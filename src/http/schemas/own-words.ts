/**
 * Why, or what of it, in the words of whoever acts: they are kept for good, so that they are to say something. Characters that
 * nobody can see say nothing.
 */
export const ownWords = { maxLength: 500, pattern: '[^\\p{C}\\p{Z}]' } as const
