/**
 * Makes the next generation of a line, or has one generation cross-sign another, until it kills itself before or after
 * an effect, with no chance to clean up.
 *
 * usage: crash-child.ts DATABASE_URL DATA_DIRECTORY EFFECT before|after LINE
 *        crash-child.ts DATABASE_URL DATA_DIRECTORY EFFECT before|after ISSUER SUBJECT
 */
import { createDatabase } from '../../src/database/database.ts'
import { act, createTestAdministration, selfSigned } from '../support/authority-administration.ts'
import { createMortal } from '../support/mortal.ts'

const [connectionString = '', dataDirectory = '', fatalEffect, when, first = '', subject] =
  process.argv.slice(2)
const mortal = createMortal(fatalEffect, when)
const { administration } = createTestAdministration(
  createDatabase({ connectionString, poolSize: 4 }),
  dataDirectory,
  { wrapStore: mortal, wrapOpener: open => async reference => mortal(await open(reference)) }
)
if (subject === undefined) await administration.create(selfSigned(first), act)
else await administration.crossSign(first, subject, act)
process.exit(0)
