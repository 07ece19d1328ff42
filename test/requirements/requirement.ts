/** One thing that a standard forbids or demands, and the tests that hold us to it. */
export type Requirement = {
  /** Where it is written. */
  readonly section: string
  readonly sentence: string
} & (
  | {
      /** The title of a test, or of a row of its table, and the file it is in. */
      readonly tests: readonly (readonly [file: string, title: string])[]
    }
  /** It does not concern us yet: the part it is about is not built. */
  | { readonly notYet: string }
)
