import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin'

/**
 * What a refusal or a fault says to the log, beside its code, is for people: no rule hangs on its words. Codes are mutated
 * like everything else.
 */
const details = {
  shouldIgnore({ node, parent, key }) {
    if (!isText(node)) return undefined
    const ofRefusal =
      parent?.type === 'NewExpression' && parent.callee.name === 'Refusal' && parent.arguments[1] === node
    const ofFault = parent?.type === 'ObjectProperty' && key === 'value' && parent.key.name === 'detail'
    return ofRefusal || ofFault ? 'words for the log' : undefined
  },
}

function isText({ type }) {
  return type === 'StringLiteral' || type === 'TemplateLiteral'
}

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, 'details', details)]
