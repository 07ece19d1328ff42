import {
  bar,
  type Counts,
  type ModuleResult,
  type Mutants,
  reasonOf,
  score,
  type Survivor,
} from './mutants-results.ts'

/** `docs/mutants.md`: per module how many changes the tests noticed, and each that stays with its reason. */
export function mutantsPage({ modules, results, equal }: Mutants): string {
  const survivors = modules.flatMap(({ name }) => results[name]?.survivors ?? [])
  return `# Mutants

\`npm run mutants\` changes the security core a little, one change at a time (a condition turned, a line left out, a text
emptied), and runs the tests of that module. A change that no test notices is a rule that no test holds. At least ${bar} % of
each module's changes must be noticed; one that no test runs into counts as unnoticed, and one that made a test run forever
as noticed.

Left out: the words a refusal or a fault adds for the log. Their codes are not left out.

| module | changes | noticed by a test | by running forever | unnoticed | never run | left out | score | seconds |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${modules.map(({ name }) => row(name, results[name])).join('\n')}

## What stays

Each of these does the same as the program itself, for the reason given; one without a reason is a rule that no test holds yet.
A module that is not run yet says nothing.

${survivors.map((survivor) => stays(survivor, reasonOf(survivor, equal)?.why)).join('\n')}

This page is generated from \`mutants/results.json\` and \`mutants/equal.json\`: \`npm run docs\` writes it. \`npm run mutants\`
measures anew, \`npm run mutants -- MODULE\` one module; it is not part of \`npm test\`.
`
}

function row(name: string, result: ModuleResult | undefined): string {
  if (result === undefined) return `| ${name} | not run yet | | | | | | | |`
  const { counts, seconds } = result
  const cells = [
    all(counts),
    counts.Killed,
    counts.Timeout,
    counts.Survived,
    counts.NoCoverage,
    counts.Ignored,
  ]
  return `| ${name} | ${cells.join(' | ')} | ${score(counts).toFixed(1)} % | ${seconds} |`
}

function all({ Killed, Timeout, Survived, NoCoverage }: Counts): number {
  return Killed + Timeout + Survived + NoCoverage
}

function stays({ file, line, text, mutator, replacement }: Survivor, why: string | undefined): string {
  return `- \`${file}:${line}\`, ${mutator}, ${code(replacement)} in ${code(text)}: ${why ?? '**no reason yet**'}`
}

/** A text as code, with a fence longer than any row of backquotes in it (CommonMark §6.1). */
function code(text: string): string {
  const flat = text.replaceAll(/\s+/g, ' ')
  const longest = Math.max(0, ...(flat.match(/`+/g) ?? []).map(({ length }) => length))
  const fence = '`'.repeat(longest + 1)
  const pad = longest === 0 ? '' : ' '
  return `${fence}${pad}${flat}${pad}${fence}`
}
