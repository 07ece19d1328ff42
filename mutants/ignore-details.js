import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin'

/**
 * What is for people to read: the words a refusal or a fault says to the log beside its code, and the sentences in a
 * `faults.ts`. No rule hangs on them. Codes and kinds are mutated like everything else.
 */
const details = {
  shouldIgnore(path) {
    return isWordsOfRefusal(path) || isDetail(path) || isSentence(path) ? 'words for people' : undefined
  },
}

function isWordsOfRefusal({ node, parent }) {
  return (
    isText(node) &&
    parent?.type === 'NewExpression' &&
    parent.callee.name === 'Refusal' &&
    parent.arguments[1] === node
  )
}

/** `{ detail: ... }` itself or the text in it; an object with anything beside the detail is not left out. */
function isDetail({ node, parent, key }) {
  if (isText(node))
    return parent?.type === 'ObjectProperty' && key === 'value' && parent.key.name === 'detail'
  return (
    node.type === 'ObjectExpression' &&
    node.properties.length === 1 &&
    node.properties[0].key?.name === 'detail'
  )
}

/** The second element of `code: [kind, sentence]` in `faults(module, { ... })`. */
function isSentence({ node, parent, parentPath }) {
  if (!isText(node) || parent?.type !== 'ArrayExpression' || parent.elements[0] === node) return false
  const call = parentPath.parentPath?.parentPath?.parentPath?.node
  return call?.type === 'CallExpression' && call.callee.name === 'faults'
}

function isText({ type }) {
  return type === 'StringLiteral' || type === 'TemplateLiteral'
}

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, 'details', details)]
