/** Marks that may stand on one letter: some languages need two, nobody needs a tower of them. */
const MARKS = /(\p{M}{2})\p{M}+/gu
/** What is not seen, or turns around what is: controls, directions, fillers, halves of characters, unassigned ones. */
const UNSEEN = /[\p{C}\p{Default_Ignorable_Code_Point}]+/gu
/** The last one looks like nothing and is called a letter. */
const SPACE = /[\s\p{Z}\u2800]+/gu

/**
 * Somebody else's words as they may stand in a sentence of ours: one line, nothing that hides, reverses or piles up, at
 * most `charactersMax` characters. May be empty.
 */
export function plainText(text: string, charactersMax: number): string {
  const line = text
    .slice(0, charactersMax * 8)
    .normalize('NFC')
    .replace(SPACE, ' ')
    .replace(UNSEEN, '')
    .replace(MARKS, '$1')
    .trim()
  const characters = [...segmenter.segment(line)].map(({ segment }) => segment)
  if (characters.length <= charactersMax) return line
  return `${characters
    .slice(0, charactersMax - 1)
    .join('')
    .trimEnd()}…`
}

const segmenter = new Intl.Segmenter('en')
