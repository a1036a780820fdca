// What tells languages apart that share a script: frequent short words, endings of words, and the letters that a
// language adds to those which all of its script have. Written for this product; a list need not be complete, for
// every language has the same chance. For language.c only.
#ifndef MST_TEXT_LANGUAGE_WORDS_H
#define MST_TEXT_LANGUAGE_WORDS_H

typedef struct {
    const char *code, *script;
    const char *words;   // one blank around each
    const char *endings; // the same; of words that are longer by two letters at least
    const char *letters; // lower case
} mst_lang_words_t;

// clang-format off
static const mst_lang_words_t lang_words[] = {
    {"en", "latin",
     " the and of to in is that it for was are with as on be this have from by not you but they his her at or an "
     "which we all their there been has had will would can if who when what your i my me she he our do does about "
     "into more than then these those them its am were should could a how why one out up just so here where while "
     "being each ",
     " ing tion ness ould ght ", ""},
    {"de", "latin",
     " der die und das den von zu mit ist im dem nicht ein eine einen einer eines auf für sich des als auch es an "
     "werden aus er hat dass sie nach wird bei um sind noch wie haben nur oder aber vor zur bis mehr durch über ich "
     "wir ihr kann diese dieser wenn sein war am so ",
     " ung lich keit isch chen heit ern ", "äöüß"},
    {"nl", "latin",
     " de het een en van ik te dat die in is niet zijn op aan met als voor er maar om hem dan zou of wat mijn men "
     "dit zo door over ze bij ook tot uit kan naar heeft hebben worden wordt deze nog geen wel u je we haar ",
     " ijk heid aan oor ijn sche ", "ëéïöü"},
    {"af", "latin",
     " die en van 'n het is in te nie wat dat hy sy vir met op aan was om ek kan as ons deur sal hulle jy maar ook "
     "na se word by een of uit moet gaan my haar baie ",
     " heid like ing ", "êëôûîé"},
    {"da", "latin",
     " og i at det en den til er som på de med han af for ikke der var mig sig men et har om vi min havde ham hun "
     "nu over da fra du ud sin dem os op man hans hvor eller hvad skal blev kunne ind efter være også meget af jeg ",
     " else hed lig ede erne ", "æøå"},
    {"no", "latin",
     " og i at det en den til er som på de med han av for ikke der var meg seg men et har om vi min hadde ham hun "
     "nå over da fra du ut sin dem oss opp man hans hvor eller hva skal ble kunne inn etter være også jeg kan vil ",
     " else het lig ene ", "æøå"},
    {"sv", "latin",
     " och i att det en den till är som på de med han av för inte der var mig sig men ett har om vi min hade honom "
     "hon nu över då från du ut sin dem oss upp man hans hur eller vad ska blev kunde in efter vara också jag kan "
     "detta alla ",
     " ning het arna lig ande orna ", "åäö"},
    {"fr", "latin",
     " le la les de des du et un une en que qui dans pour pas sur plus par au aux avec ce cette ces est il elle se "
     "son sa ses ne nous vous je ils ont sont mais ou où leur comme être été fait si tout même à y ",
     " ment eux tion aient eur ance ique ", "éèêëàâçùûîïôœ"},
    {"es", "latin",
     " el la los las de del y en que un una por con no se su para es al lo como más pero sus le ha me sin sobre "
     "este ya entre cuando todo esta ser son dos también fue había era muy años hasta desde está mi porque nos o ",
     " ción ente ado idad ando iendo ores ", "áéíóúñü"},
    {"pt", "latin",
     " o a os as de do da dos das e em no na que um uma por com não se para é ao mais como mas foi pelo pela seu "
     "sua ou ser quando muito há nos já está eu também só isso ela ele entre era depois sem mesmo aos ter seus à "
     "são ",
     " ção ente ado idade ões ando ndo ", "ãõáéíóúâêôçà"},
    {"it", "latin",
     " il lo la i gli le di del della dei delle e in che un una per con non si su al da è sono ma come anche più se "
     "nel nella questo questa alla dal ha lui loro ci io mi tra essere stato molto o ",
     " zione ente mente ato are ità ando gli ", "àèéìòù"},
    {"ca", "latin",
     " el la els les de del dels i en que un una per amb no es al ha són més com però també va ser aquest aquesta "
     "seva seu molt entre fins està hi o ",
     " ció ment ats itat ", "àéèíïóòúüç"},
    {"ro", "latin",
     " și de în la a cu pe din este nu un o care că să mai pentru sunt al ale lui ca fi dar sau după prin ce au "
     "fost fiind foarte am ai ei ea el acest această sa se ",
     " ului elor ție are ează ", "ăâîșțşţ"},
    {"pl", "latin",
     " i w na z do się nie to jest że o jak ale po co tak za od by przez dla są był było już tylko może oraz jego "
     "jej ich który która które przy czy bardzo tym ze tego jako ",
     " ości ego ych ach owi ania enie ować ", "ąćęłńóśźż"},
    {"cs", "latin",
     " a v na se je to z že do s o ve pro k by jako ale po od jsou které který která co za jeho byl byla být tak "
     "nebo aby ze už jen také při jsem není si jejich bylo ",
     " ých ého ost ání ovat ení ", "áčďéěíňóřšťúůýž"},
    {"sk", "latin",
     " a v na sa je to z že do s o vo pre k by ako ale po od sú ktoré ktorý ktorá čo za jeho bol bola byť tak alebo "
     "aby zo už len aj pri som nie si ich bolo ",
     " ých ého osť anie ovať ", "áäčďéíĺľňóôŕšťúýž"},
    {"sl", "latin",
     " in v na je se da za so z ne ki pa po kot bi o od do s pri ali tudi še bil bila iz ga kako ker le med ni sem "
     "zelo ",
     " nje ega ost ih ati ", "čšž"},
    {"hr", "latin",
     " i u na je se da za su s ne koji koja koje a po kao bi o od do pri ili također još bio bila iz ga kako jer "
     "samo među nije sam vrlo što će ",
     " nje oga ost ima ati ije ", "čćđšž"},
    {"hu", "latin",
     " a az és hogy nem is egy ez azt van volt meg de ha csak mint már el még ki kell nagyon vagy ezt lehet sem "
     "minden le pedig én aki ami után között ",
     " nak nek ban ben ság ség ását tak ", "áéíóöőúüű"},
    {"fi", "latin",
     " ja on ei se että hän oli en ole mutta kun niin mitä ovat joka tämä sen hänen kuin myös voi sitten jos nyt "
     "vain te minä sinä me he tai oma olen olla mukaan jotka ",
     " ssa ssä sta stä lla llä lle een nen maan aan ksi tten isen uu vat vät ista ", "äö"},
    {"et", "latin",
     " ja on ei et see ta oli aga kui siis mis mida kes ka ning oma seda välja ole selle või nii tema veel nagu "
     "juba pole oleks kuid ma sa me te mu ",
     " sse ses est ste mine tud nud used ", "äöõü"},
    {"lt", "latin",
     " ir yra į iš su kad ne tai o bet kaip buvo ar už apie jis jie labai nuo po per tik dar jo ji bus arba taip "
     "kai mes prie pat ",
     " as is us ų ai imo inis amas ", "ąčęėįšųūž"},
    {"lv", "latin",
     " un ir no uz ar ka par bet kas to tas tā ne arī pie viņš viņa bija kā vai lai pēc līdz jau tikai ļoti ja mēs "
     "es šo ",
     " ības šana iem ām ajā ts ", "āčēģīķļņšūž"},
    {"tr", "latin",
     " ve bir bu da de için ile çok ne daha gibi olarak o en olan kadar sonra var ama ben her mi ki değil olduğu "
     "biz yok şey ancak veya onun ise ya ",
     " lar ler nda nde dır dir ması arak ini ları leri ", "çğıöşüâ"},
    {"id", "latin",
     " yang dan di untuk dengan ini itu dari dalam pada tidak akan ke adalah juga atau ada saya oleh kami mereka "
     "dia anda bisa telah kita karena seperti lebih sudah para sebagai dapat tersebut ",
     " kan nya ang ", ""},
    {"tl", "latin",
     " ang ng sa na mga ay at ko mo niya ito hindi siya kung para may ka ni si nila namin natin ako kami ikaw din "
     "rin pero dahil isang lang naman nang ",
     " han hin ang ", "ñ"},
    {"sw", "latin",
     " na ya wa kwa ni katika za la kama cha hii hiyo huo huu tena wakati watu pia kuwa yake wao sana lakini vya au "
     "hata mtu bila kutoka ambayo wake yao hivyo moja mimi yangu gani ndani siku wiki ",
     " isha ika wa ana aji eza ", ""},
    {"so", "latin",
     " waa iyo oo ka ku u ay in la uu si soo leh ee ah ayaa wuxuu waxaa kale badan isku wax mid dad ayuu laga lagu "
     "kama ",
     " ka ta da aan tay ", ""},
    {"sq", "latin",
     " të e në dhe i një për me që nga se është më u ka si nuk por do ishte kjo ky janë duke kur tij ose pas ",
     " ve it ve uar ", "ëç"},
    {"cy", "latin",
     " y yr a yn o i ar ac mae ei am wedi gan eu gyda oedd hyn hefyd fel nid sydd un bod ni chi fy er ond mewn "
     "gyfer ",
     " iad odd aeth wyd ", "âêîôûŵŷ"},
    {"vi", "latin",
     " và của là có các một được trong cho không người này với những để đã khi về từ đó như cũng tôi ra nhiều bạn "
     "họ đến vào nó lại sẽ phải thì ở mà rất chúng ",
     "", "ăâđêôơưáàảãạấầẩẫậắằẳẵặéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ"},
    {"ru", "cyrillic",
     " и в не на я что он с как это по но они к у из за от так же для вы мы все его она был было только о если еще "
     "ещё или до при чтобы который которые когда есть ",
     " ться ого ется ами ость ния ", "ыэё"},
    {"uk", "cyrillic",
     " і в не на я що він з як це по але вони до у із за від так ж для ви ми все його вона був було тільки про якщо "
     "ще або при щоб який які та є ",
     " ться ого ння ість ами ", "іїєґ"},
    {"bg", "cyrillic",
     " и в не на аз че той с как това по но те към у от за се ще да са е вие ние всички му тя беше само ако още или "
     "при който които когато има като със ",
     " та то ът ите ове ния ", "ъ"},
    {"mk", "cyrillic",
     " и во не на јас дека тој со како тоа по но тие кон од за се ќе да се е вие ние сите му таа беше само ако уште "
     "или при кој кои кога има ",
     " та то от ите ови ње ", "јљњџѓќѕ"},
    {"ar", "arabic",
     " في من على إلى أن هذا هذه التي الذي عن مع ما لا كان هو هي أو كل ذلك بعد قد لم بين كما حيث عند كانت ",
     " ات ية ها ون ", "أإآةىيكؤئ"},
    {"fa", "arabic",
     " و در به از که این را با است برای آن یک خود تا بر هم نیز شد شده می های ما من اما یا هر باید کرد ",
     " های ان ند ", "پچژگکی"},
    {"ur", "arabic",
     " کے کی میں ہے اور سے کا کو اس یہ کہ ہیں پر نے ایک بھی نہیں تھا جو وہ لیے کر ہو تو گی گا ",
     " وں یں ", "ٹڈڑںےہھپچگکی"},
    {"hi", "devanagari",
     " है में के की का और से को पर यह नहीं हैं कि एक भी इस था लिए कर हो ने तो वह जो अपने साथ करने थे या मैं हम आप ",
     " ों ता ते ने गा गी ", ""},
    {"mr", "devanagari",
     " आहे आणि या हे मी ते तो ही की व आहेत नाही होते होता एक किंवा असे मध्ये त्या हा कर पण तर काय आपल्या केले साठी ",
     " ाचा ाची ाचे ात ाला ायला तो ले ण्या ील ", "ळ"},
    {"ne", "devanagari",
     " छ को र मा यो हो पनि छन् लागि गर्न भएको गरेको थियो एक उनी तर भने हुन् गर्ने अनि वा त्यो नेपाल फेरि ",
     " को मा ले लाई हरू नेछ एको ", ""},
};
// clang-format on

#endif
