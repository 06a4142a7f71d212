import * as node from '../../../src/pki/crypto/node-crypto.ts'
import * as web from '../../../src/pki/crypto/web-crypto.ts'
import { describeCryptoPort } from './crypto-port-contract.ts'

describeCryptoPort('Node', node)
describeCryptoPort('a browser', web)
