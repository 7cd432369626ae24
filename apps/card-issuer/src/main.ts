import { runService } from '@puerta/service';
import { cardIssuer } from './card-issuer';

void runService(cardIssuer);
