import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createFromBuffer } from '@dprint/formatter'
import { getPath } from '@dprint/typescript'
import { isUsers } from '../built-in.ts'
import { WIDTH, wrapped } from './comments.ts'

export const ROOT = resolve(import.meta.dirname, '../..')

/** Every source file of the project, below ROOT. */
export const sources = (): string[] =>
  globSync('{core,plugins,backgroundtask,test,bench,docs,package}/**/*.{ts,mts}', { cwd: ROOT })
    .filter(file => !/node_modules|fixtures/.test(file) && !isUsers(file))
    .toSorted()

const formatter = createFromBuffer(readFileSync(getPath()))

// https://dprint.dev/plugins/typescript/config/
formatter.setConfig({ lineWidth: WIDTH, indentWidth: 2, newLineKind: 'lf' }, {
  'semiColons': 'asi',
  'preferHanging': true,
  'objectExpression.preferHanging': false,
  'parameters.preferHanging': 'never',
  'quoteStyle': 'preferSingle',
  'quoteProps': 'preserve',
  'trailingCommas': 'never',
  'useBraces': 'whenNotSingleLine',
  'bracePosition': 'sameLine',
  'nextControlFlowPosition': 'sameLine',
  'arrowFunction.useParentheses': 'preferNone',
  'binaryExpression.operatorPosition': 'sameLine',
  'conditionalExpression.operatorPosition': 'nextLine',
  'conditionalType.operatorPosition': 'nextLine',
  'typeLiteral.separatorKind.singleLine': 'comma',
  'functionDeclaration.spaceBeforeParentheses': true,
  'functionExpression.spaceBeforeParentheses': true,
  'functionExpression.spaceAfterFunctionKeyword': true,
  'method.spaceBeforeParentheses': true,
  'constructor.spaceBeforeParentheses': true,
  'getAccessor.spaceBeforeParentheses': true,
  'setAccessor.spaceBeforeParentheses': true,
  'taggedTemplate.spaceBeforeLiteral': false,
  'exportDeclaration.sortNamedExports': 'maintain',
  'importDeclaration.sortNamedImports': 'maintain',
  'module.sortExportDeclarations': 'maintain',
  'module.sortImportDeclarations': 'maintain'
})

/** So often at most: what one pass writes in other lines, the next may write better. */
const PASSES = 5

/** The text as it should be written. Throws when it does not parse. */
export function formatted (file: string, text: string): string {
  let before = text
  for (let pass = 0; pass < PASSES; pass++) {
    const after = wrapped(formatter.formatText({ filePath: file, fileText: before }))
    if (after === before) break
    before = after
  }
  return before
}
