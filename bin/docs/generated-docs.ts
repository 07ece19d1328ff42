import { format } from 'prettier'
import { catalogueJsonSchema, describeCatalogue } from '../../service/src/catalogue/index.ts'
import { errorsPage } from './errors-page.ts'
import { readMutants } from './mutants-results.ts'
import { mutantsPage } from './mutants-page.ts'

/** Every document that is made from the code, by its path from the root of the repository. */
export async function generatedDocs(): Promise<Readonly<Record<string, string>>> {
  const schema = JSON.stringify(catalogueJsonSchema())
  return {
    'docs/errors.md': await errorsPage(),
    'docs/configuration.md': configurationPage(),
    'docs/mutants.md': mutantsPage(await readMutants()),
    'docs/tetrapod.schema.json': await format(schema, { parser: 'json', printWidth: 110 }),
  }
}

function configurationPage(): string {
  return `# Configuration

One YAML file, \`tetrapod.yaml\`, says who takes part and what the rules are. It is followed while the service runs; every
problem is reported at once, with its line and column. \`tetrapod check --config FILE\` says the same without starting.

- A key that is not in this table is a mistake, never ignored.
- A secret is never in the file, only a reference to it: \`env:NAME\` or \`file:///absolute/path\`.
- A URL is https; http is for this machine alone (127.0.0.1, [::1], localhost).
- Agents, servers and APIs share one namespace: a key is that party's client id, and \`gateway\` is ours.

For completion in an editor, put this on the first line of the file (the path leads to the schema beside this page):

\`\`\`yaml
# yaml-language-server: $schema=docs/tetrapod.schema.json
\`\`\`

## Editing it

Save the file: the running service checks all of it and goes on with it within a moment, in one step. Nobody is signed out, calls
in flight finish, no request is lost. \`tetrapod reload\` (or SIGHUP) reads it at once, and says what changed or, with exit code
1, what is wrong; it also reads secrets that are references again.

- An edit that is wrong is refused as a whole. The one before it is served on; the log has every problem with its line and
  column, and \`/readyz\` says \`"catalogue": "edit refused"\`. It is the same with a file that is gone.
- \`publicUrl\`, \`listen\` and \`database\` need a restart: an edit of them is refused.
- What you remove stops at once, with the tokens and logins that were given for it ([revocation](revocation.md)). Another
  \`url\` or \`resource\` is a removal of the old one: for ten seconds what goes there is refused.
- What you remove while the service is down stops when it starts.
- Each edit is a line of the audit log, \`catalogue_changed\`, with the SHA-256 of both texts and what came and went.

Write a new file and rename it over the old one, as most editors do: a file that is written slowly could be read when it is half
there, and half a file may be one that is good and lacks agents. The directory of the file is watched, which a network file
system may not tell of: say \`tetrapod reload\` there.

## The keys

\`<key>\` is a name you choose. What has no mark may be absent.

${describeCatalogue()}
This page is generated from the schema in \`service/src/catalogue\`; \`npm run docs\` writes it.
`
}
