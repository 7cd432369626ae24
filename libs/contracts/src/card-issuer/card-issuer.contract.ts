import { answers, defineContract } from '../core';
import { BulkCardsDto, BulkIdDto, type CardBulk } from './card-bulks.dto';
import {
  type Card,
  CardIdDto,
  type CardPage,
  type CardPicture,
  CardQrCommand,
  CardReasonCommand,
  IssueCardDto,
  ListCardsDto,
  type OpenedScan,
  OpenScanDto,
  type ScanProfile,
  ScanProfileDto,
  SetCardPhotoCommand,
  UpdateCardCommand,
} from './cards.dto';

/** ID cards and their scans. All but the two scan patterns need an actor. */
export const cardIssuerContract = defineContract('card-issuer', {
  'cards.issue': answers<Card>().to(IssueCardDto, 'gateway'),
  'cards.list': answers<CardPage>().to(ListCardsDto, 'gateway'),
  'cards.get': answers<Card>().to(CardIdDto, 'gateway'),
  'cards.update': answers<Card>().to(UpdateCardCommand, 'gateway'),
  'cards.suspend': answers<Card>().to(CardReasonCommand, 'gateway'),
  'cards.reactivate': answers<Card>().to(CardReasonCommand, 'gateway'),
  'cards.revoke': answers<Card>().to(CardReasonCommand, 'gateway'),
  'cards.rotate': answers<Card>().to(CardReasonCommand, 'gateway'),
  'cards.set-photo': answers<Card>('heavy').to(SetCardPhotoCommand, 'gateway'),
  'cards.remove-photo': answers<Card>().to(CardIdDto, 'gateway'),
  'cards.qr': answers<CardPicture>().to(CardQrCommand, 'gateway'),
  /** Changes many cards: answers at once with a job that does it. */
  'card-bulks.start': answers<CardBulk>().to(BulkCardsDto, 'gateway'),
  'card-bulks.get': answers<CardBulk>().to(BulkIdDto, 'gateway'),
  'card-bulks.cancel': answers<CardBulk>().to(BulkIdDto, 'gateway'),
  /** Someone opened the address in a card's QR: records the scan and answers a scan pass. */
  'scans.open': answers<OpenedScan>().to(OpenScanDto, 'gateway'),
  'scans.profile': answers<ScanProfile>().to(ScanProfileDto, 'gateway'),
});
