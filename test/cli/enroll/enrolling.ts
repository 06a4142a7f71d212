import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type HttpService, openService, someSubject } from '../../http/service.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { createTemporaryDirectory } from '../../support/temporary-directory.ts'
import { type Ended, runMintline } from '../mintline.ts'

/** A station with its token and a directory, before a service of its own. */
export async function openStation() {
  const directory = await createTemporaryDirectory()
  const service = await openService()
  const tokenFile = join(directory.path, 'token')
  await writeToken(tokenFile, service.bearer('station').authorization)
  const at = (name: string) => join(directory.path, name)
  return {
    service,
    tokenFile,
    at,
    async makeCsr(name: string, subject = someSubject()) {
      await writeFile(at(name), makeCertificationRequest(subject))
      return at(name)
    },
    /** With the url and token of the station unless others are given. */
    enroll(args: readonly string[], { url = service.url, token = tokenFile } = {}): Promise<Ended> {
      return runMintline(['enroll', '--url', url, '--token-file', token, ...args])
    },
    countIssued: () => countIssued(service),
    async close() {
      await service.stop()
      await directory.remove()
    }
  }
}

export type OpenStation = Awaited<ReturnType<typeof openStation>>

export function writeToken(file: string, authorization: string): Promise<void> {
  return writeFile(file, `${authorization.replace('Bearer ', '')}\n`)
}

async function countIssued({ database }: HttpService): Promise<number> {
  return database.prisma.issued.count()
}
