"""Names that MediaWiki gives in each of its languages: data.

Source: namespaces and magic words of MediaWiki's localisation, languages/messages/Messages*.php of
release 1.39.17, in lower case.
"""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(" ".join(name.split()) for name in text.split("|"))


FILE_PREFIXES = _names(
    """
aafbeilding | abruozdielis | afaylu | afbeelding
| alat | alɣagdud | amóhùnmáwòrán | apamduööt |
archivi | archivo | archivu | arkivo | arquivo |
attēls | aŭdvidaĵo | barakas | barkas | beeld |
beld | belld | berkas | bestaand | bestand |
beureukaih | bhengkek | bielde | bild | bilde |
biliþ | billede | biru' na zayzyuwaw | biru’ na
zayzyuwaw | chitro | ciɛl | coadan | dadai |
dataja | datei | datnyvei | datoteca | datoteka
| delwedd | dencukaay | documentu | dosiero |
dosiye | dossia | dosya | dosye | dôdaj | ewava
| eʼelyaaígíí | fael | faidhle | faih | fail |
faili | fails | failu | fajl | fasciculus | fayl
| faylo | faýl | feil | fexeiro | ficheiro |
ficheru | fichier | fichièr | fichiér | fichye |
fiché | figura | figure | fiila | fiileq | fil |
file | filpeikar | fisye | fitxategi | fitxer |
fix | fixeru | fiùra | fişier | fișier | fájl |
fáìlì | gambar | gefre | grafika | hình |
imachen | image | imagem | imagen | imagine |
imago | imahen | imaj | imajen | imajo | imatge
| imaxe | imaxen | imej | immaggine | immagina |
immagine | immàgini | imàjine | imådje | irudi |
itangazamakuru | iyeltak | kanaca | kiʻi | koga
| kuva | kép | ladawan | lahabali kɔligu |
litratu | lêer | magod | mamind | meadhan |
meanyn | meddia | medeja | medhia | media |
medie | medii | medij | medija | mediji | medio
| medios | mediu | medium | mediya | medja |
medya | medėjė | meedia | meedije | meedijum |
meediä | meyti | meán | midia | midja | midya |
miidiya | mitiya | miðil | miðill | mmàggini |
multimedia | multimédia | myiti | mynd | mèdia |
mèdius | mèḍia | médhia | média | médiá | médja
| mídia | mûi-thé | mēdiatl | mēdijai |
natisinahikaniwoc | nká | nünamakanäd | obrázok
| ofbeeldienge | ofbeelding | ofbyld | ortam |
papeles | patas bntasan | payl | paypay | phương
tiện | picha | pilt | plaetje | plik | pāki |
pāpaho | ragiv | rakitra | resim | restr |
restren | rikcha | räsem | saadhan | sary |
seswantšho | sineqetj a vecik | skeda | skeudenn
| slika | soubor | stampa | su'wret | swret |
súbor | ta'ãnga | talaksan | tangan | taspa |
tasvir | tiedosto | tipatcimoctakewin |
tiätuvuárkká | tugna | tóng-àn | tập tin | usòrò
| vaizdas | velsku | waihona | wepo | wobraz |
wêne | xibaarukaay | ymele | zūrbrukis | àwòrán
| ákwúkwó orünotu | émâge | íomhá | òbrôzk |
īxiptli | şəkil | αρχείο | αρχείον | εικόνα |
εικόναν | μέσο | μέσον | акс | амедиа | артовкс
| афаил | аһар | билэ | боомг | ви́дъ | видъ |
выява | датотека | дѣло | зображення | зураг |
зург | изображение | картинка | меди | медиа |
медий | медиум | медия | медиј | медија | медйа
| медіа | миэдьийэ | мультымедыя | мэдыя | ныв |
няйф | ойуу | податотека | рәсем | слика |
срѣдьства | сурат | суред | сурет | сурт | таспа
| файл | хlум | ӳкерчĕк | մեդիա | պատկեր | בילד
| טעקע | מדיה | מעדיע | קובץ | תמונה | أسگ |
انځور | اکس | تاسپا | تصویر | جانیا | دوتنه |
ذريعات | رسانه | رسانه‌ای | رسانگ | رسنۍ | زریعہ
| سۋرەت | صورة | عکس | عڪس | فاءيل | فائل | فاىل
| فایل | فيشي | فَیِل | مديا | مدیا | ملف |
مه‌دیا | ميديا | میدیا | میڈیا | ورق | وسائط |
وسیط | پرونده | پەڕگە | ڤارئسگأر | ھۆججەت |
ۋاسىتە | ܠܦܦܐ | ܡܝܕܝܐ | މީޑިއާ | ފައިލު | ފައިލް
| ߞߐߕߐ߮ | ߟߊߛߋߢߊߥߙߍ | किपा | चित्र | चित्रं |
चित्रम् | पटिमा | फ़ाइल | फाइल | फायल | माध्यम |
माध्यमम् | मिडिया | मीडिया | मेडिया | सञ्चिका |
চিত্র | চিত্ৰ | ছবি | মাধ্যম | মিডিয়া | ਤਸਵੀਰ |
ਮੀਡੀਆ | ચિત્ર | દ્રશ્ય-શ્રાવ્ય (મિડિયા) | ଫାଇଲ |
ମାଧ୍ୟମ | ஊடகம் | படிமம் | దస్త్రం | ఫైలు | బొమ్మ
| మీడియా | ಚಿತ್ರ | ಫೈಲ್ | ಮಾದ್ಯಮೊ | ಮೀಡಿಯ | ചി |
ചിത്രം | പ്ര | പ്രമാണം | മീഡിയ | ගොනුව | මාධ්‍යය
| රූපය | ภาพ | สื่อ | ไฟล์ | ສື່ | ສື່ອ | ຮູບ |
ဖိုင် | ဖုဲင် | မီဒီယာ | မဳဒဳယာ | ဝှာင် |
သိုဝ်ႇၶၢဝ်ႇ | ၾၢႆႇ | მედია | სურათი | ფაილი |
ሜድያ | ስዕል | ፋይል | មីឌា | មេឌា | រូបភាព | ឯកសារ |
ᨼᩱᩃ᩺ | ᩈᩨ᩵ | ᱢᱤᱰᱤᱭᱟ | ᱨᱮᱫ | ファイル | メディア | 图像 |
图片 | 圖像 | 圖片 | 媒体 | 媒体文件 | 媒体档案 | 媒體 | 媒體文件 |
媒體檔案 | 文件 | 文檔 | 档案 | 檔案 | 画像 | ꠚꠣꠁꠟ | ꠝꠤꠒꠤꠀ |
ꯃꯦꯗꯤꯌꯥ | ꯐꯥꯏꯜ | 그림 | 미디어 | 파일 | 𐍆𐌴𐌹𐌻𐌰
"""
)
"""Namespaces of files and media; wikis accept older ones that their siteinfo does not list."""
CATEGORY_PREFIXES = _names(
    """
abdeeling | adà | bekätakthook | bhângsa |
bólkur | catadorie | catagóir | categoreye |
categori | categoria | categorie | category |
categorìa | categoría | categorîa | categuria |
categurìa | catigurìa | catègorie | catégorie |
class | faʻahiga | flocc | flokkur | gadâgorii |
grup | guru | ikiciro | jamii | kaarangay |
kadegorie | kakuniza | kalasi | kasasiwasiw |
kateggoría | kategooria | kategoreja | kategori
| kategoria | kategorie | kategorii |
kategoriija | kategorija | kategorio |
kategoriya | kategoriye | kategoriýa | kategory
| kategorya | kategoryjo | kategorî | kategourii
| kateguorėjė | kategòrëjô | kategória |
kategōrija | katejori | kateqoriya | katigori |
katigoria | katiguria | katiguriya | kattegerie
| kattejori | katégori | katõgooria | katēggoría
| kaurian | kawan | klad | klass | klesi |
kʼatʼegori | loma | luokka | lūi-pia̍t | māhele
| neneuhcāyōtl | nkyekyem | nkyekyεmu | pho |
pinapapilipiliqan | pubu | rang | roinn-seòrsa |
ronney | rummad | sa | saachjrop | saachjropp |
saachjrupp | sachgrubb | sachjrop | samiyachiy |
sanat | setensele | shopni | snakun | sokajy |
sumut atassuseq | taggayt | thể loại |
tipanictawin | tispir | tumbung | turkum |
törkem | tʼááłáhági átʼéego | vibhag | wàll |
zyuwaw na | ébéonọr | ñemohenda | òtù |
κατηγορία | κατηγορίαν | акатегориа | ангилал |
аңгылал | гурӯҳ | кадегар | категори | категорие
| категорий | категориэ | категория | категорија
| категорія | катеґория | катеґорія | катигорїꙗ
| катигорї | катэгорыя | оагӏат | санат | тоба
| төркем | төркөм | янз | әәшл | կատեգորիա |
ստորոգութիւն | קאַטעגאָריע | קאטעגאריע | קטגוריה
| بؤلمه | تصنيف | تهر | تۈر | جرگه | دأسە | دسته
| رج | رده | زمرو | زمرہ | زٲژ | سانات | ونکی |
وېشنيزه | پۆل | کاتݢوري | گٹھ | ܣܕܪܐ | ޤިސްމު |
ߦߌߟߡߊ | ज़ॉज़ | पुचः | वर्ग | वर्गः | विभाग |
श्रेणी | থাক | বিষয়শ্রেণী | শ্রেণী | শ্ৰেণী |
ਸ਼੍ਰੇਣੀ | શ્રેણી | ବିଭାଗ | ଶ୍ରେଣୀ | பகுப்பு |
వర్గం | ವರ್ಗ | ವರ್ಗೊ | വി | വിഭാഗം | വർഗ്ഗം |
ප්‍රවර්ගය | หมวดหมู่ | ໝວດ | ကဏ္ဍ | ပိူင်ထၢၼ်ႈ |
კატეგორია | መደብ | ចំណាត់ក្រុម |
ចំណាត់ថ្នាក់ក្រុម | ចំនាត់ថ្នាក់ក្រុម |
ᩉ᩠ᨾ᩠ᩅᨯᩉ᩠ᨾᩪ᩵ | ᱛᱷᱚᱠ | ẹ̀ka | カテゴリ | 分类 | 分類 |
ꠇꠦꠐꠣꠉꠞꠤ | ꯃꯆꯥꯈꯥꯏꯕ | 분류 | 𐌷𐌰𐌽𐍃𐌰
"""
)
"""Namespaces of categories."""
IMAGE_OPTIONS = _names(
    """
abaixo | abajo | acima | ai | akau | ala |
alaindeksi | alapvonal | alas | alhaalla | alliq
| alsóindex | alt | altdekstre | alte | altçizgi
| ambany | ambony | ampivoany | anivo | anivony
| ankavanana | ankavia | anvar | aohe |
aralığına | arriba | arribaádereita | asnjë |
ast | astılığı | astına | atas | atas-teks |
atek | b'tilar | baix | baix-text | bal | balra
| bas | bas-texte | bas-txt | bas-tèxte | base |
baseline | baslinje | batas | batek | bawah |
bawah-teks | bawd | bażi_tal-linja | be |
beneden | benejen | bez | bez_okvira | bez_rama
| bez_ramki | bezokvira | bezrama | bezramki |
bezrámu | bid | bing | bingkai | bla_tilar | bo
| bord | borda | bordadura | borde | border |
bordo | bordura | bordure | botten | bottom |
boven | brak | brez | brezokvirja | brig | bunn
| burdura | bélyeg | bélyegkép | béçerçewe | c |
cadre | cadru | canol | cap | centar | center |
centra | centrada | centrado | centrar | centrat
| centre | centrerad | centro | centru | centruj
| centrâ | centré | chawpi | chenar | chwith |
chân-chữ | chỉ-số-dưới | chỉ-số-trên | cierda |
clé | comborda | commoldura | conbordo |
conmarco | cor | corén | cucha | câdro | d |
d'amont | d'avâl | daing kwadro | dalt |
dalt-text | daqsminuri | dcha | de | deas |
dehou | dekstra | dekstre | der | derecha |
dereita | desno | destra | dešinėje | dikey |
dim | dinguna | dinguno | direita | disleg |
djathtas | dno | dno-besedila | doem | dreapta |
dreaptasus | drecha | dreita | dreta | drita |
droite | drêt | drêta | dugme | duimnael | duum
| dyhow | dół | dưới | dưới-chữ | efst | eile |
eks | encadre | encadré | encâdrâ | enframed |
engin | enkadrita | enkadrite | enmarcada |
enmarcado | enquagrat | entre-mié | erd |
erd-metin | erdian | esentreerd | eskuinera |
esquerda | esquerra | esquèrra | eta | ewin_bawd
| exp | exponent | exposant | ezkerrera |
eşqandaý | faic | faracadru | felsőindex | fenn
| fennjobbra | fent | fi | figura | frame |
framed | frameless | fremys | fráma | frámaithe
| fund | fuq | gada | garis_dasar | gasku |
gaucha | gauche | gecentreerd | gedug |
gedug-metin | geen | gerahmt | gerummt | gien |
giữa | godre | goles | granica | grondliende |
grondlijn | grundlinie | grunnlinje | gurut |
gwaelod | gwartha | góra | gôche | hanan | haut
| haut-texte | haut-txt | hawa | hebfram | hema
| hoch | hochgestellt | hochkant | hura | hægri
| höger | høgre | høyre | i_kornizuar | ichuq |
inchu | inchunnaq | inchuyuq | incorniciato |
ind | indice | indici | ingen | ingenramme |
inramad | is | ivica | izda | izq | izquierda |
jempol | jmpl | jobb | jobbra | joq | jos |
jïekti | ka | kaderloos | kadra | kadrigita |
kadrigite | kadrita | kadrite | kadro | kairėje
| kanan | kantlinje | kaoderloos | keen |
kehyksetön | kehys | kehystetty | keret |
keretben | keretes | keretezett | keretnélküli |
kerettel | kesk | keskel | keskellä | keski |
keskitetty | khung | không | không_khung | ki |
kiri | kledh | kleiz | kornizë | krec'h | kreiz
| kreizenn | kres | kresel | kufi | kwadro |
közép | középre | küçük | küçükresim | l |
lartdjathtas | left | legne_de_bâsa | lemin |
lengks | lenks | lenn | lent | levo | lewo |
ligne-de-base | ligne_de_base | lijevo |
linha_de_basa | linhadebase | linia_de_bază |
linjabazë | links | liñadebase | lluqi | lurus |
lár | lénks | línia de base | majtas | malalte |
maldekstra | maldekstre | malsube | malsupre |
mana | manaima | manzína | marc | marco | mayò |
mały | medio | meio | merkez | merrn | mes |
metin-taban | metin-tavan | metin-tepe | metà |
meza | meze | middel | midden | middle | midt |
midtstilt | mijloc | milieu | min | mini |
miniatiūra | miniatur | miniatura |
miniaturadaimagem | miniaturadaimaxe |
miniaturadeimagen | miniatuur | miniatyr |
miniatyur | miniatűr | minijatura | minuri |
mion | mionsamhail | mitan | mitjà | mitte |
mitten | miyan | miðja | mân-lun | mätin-astında
| mätin-üstinde | mëtt | mərənqo | n | na_gore |
nad | nada | nadpisano | nagonan | nakakawadro |
nanhun | natpis | naut | naut-txt | naut-tèxte |
neant | ned | nenhum | nenio | neniu | nessuno |
net_gerummt | netra | neðst | nhỏ | ninguna |
ninguno | ningún | nir | nirbing | nissön |
ništa | no | nobaý | nofs | non_encadre |
non_encadré | none | nonrés | nu | náhled |
náhľad | náhľadobrázka | néant | nën |
nửa-chiều-cao | oben | obroba | obrub | odjeljak
| ohne | oiged | oikea | okpúrù-ede | okraj |
okvir | okvirjeno | olgeš | omkaderd | omraam |
onder | originale | orta | ortağa | osnova |
osnovnacrta | ouni | oñ | oñğa | pa_kornizë |
pamje | parapamje | paremal | pas_encâdrâ | paña
| pedice | perustaso | phải | pienois |
pienoiskuva | pisi | pisipilt | pocetna_linija |
pod | podpisano | pola | portrett | potpis |
početna_linija | prawo | pus | pusat | pysty |
püsti | qendrore | qendër | qillqahawa |
qillqasiki | quadre | qëndrore | qëndër | qıckek
| raam | raamita | raamloos | raand | rahmenlos
| rahmt | ram | ramka | ramlös | ramma | ramme |
rammelaus | rammeløs | rand | rast | raşt |
rechtop | rechts | redresse | redreça | redreçat
| regs | resmoqıckek | reunus | riets | right |
rikchacha | riquadrato | rosto | rám | rähß |
räts | röun | s'ka | sans_cadre | sayaq | saywa
| sağ | segno | semborda | semmi | semmoldura |
sen_câdro | senbordo | senkadra | senmarco |
sens_quadre | sense marc | senter | sentrer |
sentro | sentrum | senza_cornice | senèstra |
sidretg | sikipi | sin_embarcar | sin_enmarcar |
sinenmarcar | sinistra | sinmarco | sinor |
sinoréerdi | sisiny | skeusennik | sličica | sol
| solğa | sopra | sotto | squierda | sredina |
sredina_teksta | sredinateksta | sredinsko |
središte | stanga | stred | stående | střed |
sub | suba-teksto | sube | sulda | sup | super |
superiordireito | supre | sus | szöveg-fenn |
szöveg-fent | szöveg-lenn | szöveg-lent |
sürmeli | sürmesiz | sınır | taban |
tabançizgisi | tajjeb | tangâ | tanpa |
tanpabingkai | tavan | taħt | tegak | teks-bo |
teks-onder | tekst-alte | tekst-beneden |
tekst-boven | tekst-bunn | tekst-dno |
tekst-dugme | tekst-fund | tekst-goles |
tekst-gwartha | tekst-majë | tekst-top |
tekst-vrh | tekst_vrh | tekste-benejen |
tekste-boven | tengah | tepe | tepi | test-fuq |
test-taħt | testo-sopra | testo-sotto |
text-botten | text-bottom | text-jos | text-oben
| text-sus | text-top | text-topp | text-unten |
texti-neðst | texto-abaixo | texto-arriba |
thumb | thumbnail | tiada | tief | tiefgestellt
| tiksisiqi | tikti | tilar | tilat | tirekjol |
too | top | topp | traoñ | trái | trên |
trên-chữ | tsymisy | tyhjä | tèxto-d'amont |
tèxto-d'avâl | tühi | tło | uewen | ukhupi |
umanjeno | umraand | undir | unionsyth | unten |
upa | upp | upright | uran | uspravno | uwch |
uñda | vasakul | vasen | venstre | verticale |
vertikale | vignette | vijabazë | vinheta |
vinstri | viền | vközépen | vközépre | vlevo |
vora | vouedo | vpravo | vrh | vrh-besedila |
vrh_teksta | vrhteksta | vänster | vľavo | waena
| wala | werte | wieqaf | xejn | xellug | yfir |
ylhäällä | yläindeksi | yläoikea | ylös | yok |
yuq | zentriert | zentréiert | zgorajdesno |
zurda | zuwan=1$ | áká_èkpè | áká_ịkẹngạ | ääris
| æнæ | çep | çerçeve | çerçeveli | çerçevesiz |
çerçewe | çerçewekerden | çerçeweyın | çıniyo |
çəpo | èxp | èxposent | élú | ënnen | üläh | üs
| üst | üstiligi | üstine | þumall | ākau |
ċentrali | ċentru | đứng | środek | žiadny |
žádné | ʻaʻohe | ʻākau | άνω | αριστερά |
γραμμήβάσης | δείκτης | δεξιά | εκθέτης | κάτω |
κάτω-από-το-κείμενο | κέντρο | καθόλου |
κατακόρυφα | μέσο | με-πλαίσιο | μικρογραφία |
μινιατούρα | πάνω-από-το-κείμενο | πλαίσιο |
χωρίς-πλαίσιο | аз_боло | алкс | аллараа | алын
| аралығына | асос | аст | астæу | астылығы |
астына | бакъхьа | бакъхьалакхо | бе | бе_рамка
| бе_чаҳорчӯба | без | без_оквира | без_рама |
безоквира | безрама | безрамка | безрамки |
безрамкі | боло | болорост | бух | буха | бухар
| бухара-йоза | вдясно | вейкеяк_арась | верькс
| вить_кедь | вляво | ворамка | врамка | врв |
врх | врх_текста | врхтекста | галиу | гор |
горениндекс | граница | границя | граничник |
гурабе | гурабоцаш | д | дарбайн | дарпоён |
десно | дно | доза | дол | долениндекс | дясно |
ешқандай | жиекті | жима | жимо | жоқ | зверху |
зверхуправоруч | злева | значак | знизу |
зьверху | зьлева | зьнізу | ивица | исправено |
йоцуш | йымалне | кенжешка | керш_кедь | кирбии
| контур | кундовтомо | кундсо | куншка |
куншкасо | къаддæр | къаддæргонд | кӱшычын | л |
лакхахь | лакххьара-йоза | лево | ляво | ліворуч
| марказ | матнболо | матнпоён | межа | мини |
мини-слика | миниатюра | міні | мініатюра |
мініяцюра | мәтін-астында | мәтін-үстінде | н |
над | најгоре | најдолу | нема | нобай | няма |
обрамити | обрамить | оивичено | ойуучаан |
оквир | олох-дьураа | орта | ортаға | орто |
ортотунан | основа | основание | основналинија |
оң | оңға | пасярэдзіне | под | покшелне |
посередине | посередині | поён | праворуч |
пурла | під | раамка | раамката_суох | рам |
рамка | рахиз | рост | ръб | сарҳад | сверху |
сверхусправа | слева | снизу | сол | солагай |
солға | справа | средина | средина_текста |
срединатекста | сулда | суох | супер | сүрмелі |
сүрмесіз | текст-алкс | текст-верькс | текст-врв
| текст-дно | текст-зверху | текст-знизу |
текст-најгоре | текст-најдолу | текст-сверху |
текст-снизу | тиэкис-аллара | тиэкис-үрдүгэр |
тікті | тірекжол | тӏе | төп | умањено |
усправно | уңда | уҥа | харцхьа | хаҥас | ц |
центар | центр | център | цэнтар | цэнтр | чап |
чаҳорчӯба | чек | шола | юк | юккъ | юккъе |
үзәк | үрдүнэн | үрүт | үст | үстілігі | үстіне
| үөһээуҥа | ӱлычын | ӱмбалне | աջից | առանց |
կենտրոն | ձախից | մինի | շրջափակել | אויבן |
אונטן | אונטער | איבער | אינמיטן | אן | באמצע |
בראש הטקסט | בתחתית הטקסט | גבול | גבולות | ימין
| ימין למעלה | לא ממוסגר | לינקס | ללא | ללא
מסגרת | למטה | למעלה | ממוזער | ממוסגר | מסגרת |
מרכז | עילי | צענטער | קליין | רעכטס | שורת
הבסיס | שמאל | תחתי | أسفل | أعلى | إطار |
ارالىعىنا | است | استىلىعى | استىنا | انگشتدان |
انگشتی | ایستاده | ایستادہ | بإطار | بائیں |
بالا | بدون | بدون_چوکھٹا | بغیر | بلا |
بندانگشتی | بټنوک | بی_قاب | بیقاب | بی‌قاب |
بێچوارچێوە | تصغير | تصغیر | تىرەكجول | تىكتى |
تَرُ | جوق | جىييەكتى | حاشیه | حد | حدود |
خط_أساسي | خط_اساسى | خط_اساسی | دائیں | درمیان
| راست | زبر | زیر | زیریں | ساغ | ساڄو | سب |
سنوور | سوبر | سول | سولعا | سِرُ | سۇرمەسىز |
سۇرمەلى | فرعى | فرعي | قاب | قابیق | لاإطار |
ماتىن-استىندا | ماتىن-ۇستىندە | متن-بالا |
متن-زیریں | متن-پایین | مركز | مرڪز | مصغر |
معدول | من_غير_اطار | میانه | مېنځ،_center |
ناوەڕاست | نص_أسفل | نص_أعلى | نوباي | هئچ |
همکف | هیچ | هېڅ | ورتا | ورتاعا | وسط | وچ | وڭ
| وڭعا | وێنۆک | يسار | يمين | پایین | چوارچێوە
| چوکھٹا | چپ | چەپ | ڕاست | ښي | کاٻو | کيڼ |
ڪجهنه | ۇست | ۇستىلىگى | ۇستىنە | ەشقانداي |
ܙܥܘܪܬܐ | ܝܡܝܢܐ | ܠܐ_ܡܕܡ | ܡܨܥܐ | ܣܡܠܐ |
ܣܪܛܐ_ܫܪܫܝܐ | ܦܪܥܝܐ | ܬܚܘܡܐ | अंगूठा | अंगूठाकार
| अग्र | अङ्गुष्ठ | अङ्गुष्ठचित्रम् | अति |
अत्यूच्च | अधः | अधस | अधो | आधार_रेखा |
आधाररेखा | आधाररेषा | आबन्ध | आबन्धः | इवलेसे |
उजवे | उन्नत | उभा | उर्ध्व | किनारा | किमपि_न |
केंद्र | केंद्रित | केन्द्र | केन्द्रम् |
केन्द्रित | कोई_नहीं | कोणतेचनाही | खड़ी |
चित्रगमिका | चित्रसूचकम् | चौकट | डावे | तल | तळ
| तळरेषा | तीव्र | दक्षिणत | दक्षिणतः | दाएँ |
दाएं | दायें | नन्ना | निराबन्ध | निराबन्धः |
नैव | पद | पाठ-तल | पाठ-शीर्ष | पाठ्य-अग्र |
पाठ्य-अधः | पाठ्य-अधस | पाठ्य-शीर्षम् | फ़्रेम |
फ़्रेमहीन | फ्रेम | फ्रेमहीन | बाएँ | बाएं |
बायें | बूड | बॉर्डर | मजकुरतळ | मजकूर-शीर्ष |
मध्य | मध्यवर्ती | मध्ये | मूर्ध | लघुचित्रम् |
लघुत्तम | वामतः | विनाचौकट | विनाफ़्रेम | विषये
| शीर्ष | शीर्ष-मजकूर | शीर्षदक्षिणतः | शीर्षम्
| शीर्षसङ्ख्या | सङ्कुचितचित्र | सङ्कुचितचित्रम्
| सीमा | উপর | উপরে | কিছুইনা | কেন্দ্রে |
কোনটি_না | কোনটিনা | ডানদিকে_উপরে | ডানে | তলদেশ
| থাম্বনেইল | নিচ | নিম্নে | নীচ | নীচে |
পাঠ্য-উপর | ফ্রেমবিহীন | ফ্রেমসহ | বামে | মধ্যে
| লেখা-উপর | লেখা-উপরে | লেখা-নীচ | শীর্ষে |
সীমান্ত | ଉପର | କିଛି_ନୁହେଁ | କେନ୍ଦ୍ର | ଡାହାଣ |
ତଳ | ଫ୍ରେମକରା | ଫ୍ରେମନଥିବା | ବର୍ଡର | ବାଆଁ |
ବେସଲାଇନ | ମଝି | ଲେଖା-ଉପର | ଲେଖା-ତଳ | இடது |
ஒன்றுமில்லை | கீழ் | மத்தியில் | மேல் | மையம் |
வலது | ఎడమ | కుడి | അതിർവര | ഇടത്ത്‌ | ഇടത്‌ |
എഴുത്ത്-താഴെ | എഴുത്ത്-മേലെ | കീഴെയെഴുത്ത് |
ചട്ടം | ചട്ടത്തിൽ | ചട്ടരഹിതം | താഴെ |
താഴെയുള്ളവര | നടുക്ക്‌ | നടുവിൽ | നേരേകുത്തനെ |
മദ്ധ്യം | മേലെ | മേലേയെഴുത്ത് | ലഘു | ലഘുചിത്രം
| വലത്ത്‌ | വലത്‌ | ശൂന്യം | උප | දකුණ | දාරය |
නොමැත | මධ්‍යය | මැද | වම | არა | ზედა |
მარცხნივ | მარჯვნივ | მინი | მინიასლი |
მინიატიურა | საზღვარი | ქვედა | შუა | ცენტრი |
ცენტრში | ცეროდენა | កណ្តាល | ខាងធ្វេង |
ខាងស្តាំ | គ្មាន | គ្មានស៊ុម | ឃ្លានៅផ្នែកខាងលើ
| ឃ្លានៅផ្នែកបាត | ឃ្លាផ្នែកខាងលើ | ឃ្លាផ្នែកបាត
| ទទេ | ធ្វេង | បាត | ផ្នែកកណ្តាល | ផ្នែកខាងលើ |
ផ្នែកបាត | ផ្នែកលើ | រូបតូច | រូបភាពតូច | ស៊ុម |
ស្តាំ | ẹtítì | なし | サムネイル | フレーム | フレームなし |
ベースライン | ボーダー | 上付き | 上標 | 上端 | 下付き | 下標 | 下端 |
下線 | 中央 | 中心 | 中间 | 右 | 右上 | 垂直置中 | 垂直置底 | 垂直置頂
| 基线 | 境界 | 子 | 居中 | 左 | 底部 | 文上端 | 文下端 | 文字底部 |
文字置底 | 文字置頂 | 文字顶部 | 无 | 无框 | 替代文字 | 有框 | 無 | 無し
| 無框 | 縮圖 | 缩略图 | 置中 | 超 | 边框 | 邊框 | 顶部 | 가운데 |
글자아래 | 글자위 | 밑줄 | 섬네일 | 썸네일 | 아래 | 아래첨자 | 없음 |
오른쪽 | 왼쪽 | 위 | 위오른쪽 | 위첨자 | 중간 | 축소판 | 테두리 |
텍스트아래 | 텍스트위 | 프레임 | 프레임없음
"""
)
"""Options without a value that an image link may have."""
IMAGE_KEYS = _names(
    """
al | alt | altdekstre | alternatif | alternative
| alternativtext | arribaádereita | bawd |
bağlantı | bet | bhs | bélyeg | bélyegkép |
clase | class | classe | daqsminuri | dikey |
disleg | doemnaegel | dreaptasus | drêt |
duumnegel | enlace | enllaç | eta | faqja |
fennjobbra | figura | folen | girêdan | gre |
hal | halaman | hochkant | idioma | jazyk |
jempol | jezik | jmpl | keel | kevren | klaso |
klasse | klik | koppeling | küçük | küçükresim |
lang | langue | lartdjathtas | legătură |
lehekülg | lenke | lenkje | liamm | lidhja |
lidhje | lien | ligam | ligazón | ligação |
ligilo | lim | link | linkki | liên_kết | liŋka
| llengua | loulou | lurus | länk | lớp |
m_stran | mały | min | mini | miniatiūra |
miniatur | miniatura | miniaturadaimagem |
miniaturadaimaxe | miniaturadeimagen | miniatuur
| miniatyr | miniatyur | miniatűr | minijatura |
minuri | mân-lun | na_gore | ngôn_ngữ | nhỏ |
nobaý | náhled | odkaz | oldal | page | pagina |
pagxo | pahina | pajenn | pamje | panqa |
parapamje | paĝo | paġna | pejy | pera | pienois
| pienoiskuva | pisi | pisipilt | portrett |
poveznica | pra | pranala | pysty | pàgina |
página | páxina | pâge | püsti | qıckek |
rechtop | redresse | redreça | redreçat |
resmoqıckek | rikchacha | sayaq | sayfa | seite
| sida | side | sidretg | sivu | skakel |
skeusennik | sličica | sprache | språk | stran |
strana | stranica | strona | stående |
superiordireito | säit | sınıf | səhifə | taal |
tegak | thay_thế | thumb | thumbnail | thế |
tiktik | tinki | tiếng | trang | tudalen | třída
| umanjeno | unionsyth | upright | uspravno |
verticale | vertikale | verweis | verwiezing |
verwijzing | veza | vignette | vinculo | vinheta
| vínculo | wak | wieqaf | yläoikea |
zgorajdesno | zied | đứng | ħolqa | εναλλ. |
κατακόρυφα | μικρογραφία | μινιατούρα | σελίδα |
σύνδεσμος | агlо | алт | альт | бакъхьалакхо |
бет | боло_рост | болорост | веза | врска | жима
| жимо | зверхуправоруч | значак | исправено |
класа | къаддæр | къаддæргонд | лопа | мини |
мини-слика | миниатюра | міні | мініатюра |
мініяцюра | нобай | ойуучаан | пайванд |
посилання | саҳифа | сверхусправа | сигэ | сирэй
| спасылка | ссылка | старонка | сторінка |
страна | страница | тіктік | умањено | усправно
| хьажорг | јаз | үөһээуҥа | էջ | էջը | մինի |
דף | טעקסט | טקסט | ימין למעלה | לינק | ממוזער |
קישור | קליין | انگشتدان | انگشتی | ایستاده |
ایستادہ | بديل | بندانگشتی | بەت | تصغير | تصغیر
| تىكتىك | جایگزین | درجہ | رابط | ربط | رتبة |
رتبه | زبان | صفح | صفحة | صفحه | صفحہ | لغة |
لغه | لنک | متبادل | مصغر | معدول | نوباي | وصلة
| پیوند | کلاس | ܙܥܘܪܬܐ | ܦܐܬܐ | अंगूठा |
अंगूठाकार | अङ्गुष्ठ | अङ्गुष्ठचित्रम्=  | अल्ट
| इवलेसे | उन्नत | उभा | कड़ी | खड़ी |
चित्रपरिसन्धिः | चित्रपाठ्यम् | चित्रपृष्ठम् |
दुवा | पाठ | पान | पृष्ठ | भाषा | लघुचित्रम् |
लघुत्तमचित्र | वर्ग | विकल्प | शीर्षदक्षिणतः |
सङ्कुचितचित्र | सङ्कुचितचित्रम् | सम्बद्धं |
ডানদিকে_উপরে | ডানেউপরে | থাম্বনেইল | পাতা |
পৃষ্ঠা | লিঙ্ক | ଦେଖଣା | ନଖଦେଖଣା | ଲିଙ୍କ | കണ്ണി
| താൾ | നേരേകുത്തനെ | പകരം | ഭാഷ | ലഘു |
ലഘുചിത്രം | ശ്രേണി | ალტ | ბმული | გვერდი | მინი
| მინიატიურა | តំណភ្ជាប់ | តំនភ្ជាប់ | ទំព័រ |
រូបតូច | រូបភាពតូច | サムネイル | ページ | リンク | 代替文 |
代替画像 | 右上 | 替代 | 替代文本 | 縮圖 | 缩略图 | 語言 | 语言 | 連結
| 链接 | 類別 | 页数 | 대체글 | 링크 | 문서 | 섬네일 | 썸네일 | 언어
| 위오른쪽 | 축소판 | 클래스
"""
)
"""Options of an image link that have a value: ``alt=…``, ``page 2``."""
PIXELS = _names(
    """
_pik | _ପିକସେଲ | bod | dp | nükte | p | pik |
piks | piksel | piskel | pixelů | pk | px | ra |
εσ | нүкте | п | пискел | пкс | փքս | פיקס |
פיקסלים | بك | عن | عڪسلون | نۇكتە | پک | پکسل |
پیکسل | پیکسڵ | अंश | अणवः | कणी | पक्ष |
पिक्सेल | पिट | পিক্স | ബിന്ദു | පික් | პქ | ភស
| ភីកសែល | ピクセル | 像素 | 픽셀
"""
)
"""Units of an image's width."""
PAGE_NAME = _names(
    """
ainmanlgh | anarampejy | anaranapejy | anvpajenn
| betatawi | bi̇ti̇seme | bladsynaam | emrifaqes
| enwtudalen | hanowanfolen | ime_stranice |
imestranice | inoaaoao | inoaʻaoʻao |
isemtal-paġna | leheküljenimi | namahalaman |
namalaman | nameypela | namman | nazwastrony |
ngarankanpahina | nom_de_la_pâge |
nombredepagina | nombredepágina | nomdelaplana |
nomedapagina | nomedapágina | nomedapáxina |
nompage | nompagina | nompàgina | numepagina |
názevstrany | názovstránky | oldalneve |
orrialdeizen | pagename | paginanaam | pagxnomo
| pagxonomo | panqasuti | papiranen | paĝnomo |
paĝonomo | sahifanomi | sayfaadi | seitenname |
sidenamn | sidenavn | sidnamn | sietnaam |
sivunimi | stranica | säitennumm | síðunafn |
səhi̇fə_nom | titolopagina | tên_trang |
têntrang | ziednaam | ονομασελιδας | агӏон_цӏе |
арынныңады | бетатауы | бит_исеме | име_странице
| иместранице | лопалем | назва_старонкі |
назва_сторінки | название_страницы | номи_саҳифа
| сирэй_аата | страница | фарсыном | էջի_անունը
| בלאטנאמען | שם הדף | اسم_الصفحة | اسم_الصفحه |
بەتاتاۋى | دمخ_نوم | صفحه‌نین_آدی | صفحيجوعنوان
| نام_صفحه | نام_صفحہ | نام‌صفحه | ܫܡܐ_ܕܦܐܬܐ |
पृष्ठ_नाम | पृष्ठनाम | लेखनाव | পাতারনাম |
পৃষ্ঠার_নাম | পৃষ্ঠারনাম | ପୃଷ୍ଠା_ନାଆଁ |
పేజీపేరు | താളിന്റെപേര്‌ | පිටුනාමය |
გვერდის_სახელი | ឈ្មោះទំព័រ | ページ名 | 頁面名稱 | 页名 |
页面名 | 页面名称 | 문서이름
"""
)
"""Variables for the title of the page."""
FORMAT_NUMBER = _names(
    """
arvuvormindus | babetnayiş | bi̇çi̇mnum |
fformatiorhif | forang | format_nombro |
formatangka | formateranum | formateratal |
formatnombre | formatnr | formatnum |
formatonumero | formatonúmero | formattal |
formatteernum | formátujčíslo | formázottszám |
muotoileluku | numerickiformat | numeričkiformat
| numformatteren | oblikbroja | phân_chia_số |
phânchiasố | sanpi̇şi̇mi̇ | számform |
számformázás | yupayrikchakuy | zahlenformat |
zueleformat | μορφοποιησηαριθμου | санпішімі |
терахьан_барамхlоттор | фарматаваць_лік |
форматброј | формати_рақам | форматировать_число
| форматувати_число | чыыһыланы_формааттаа |
ձեվել_թիվը | עיצוב מספר | آرایش_عدد | آرایش‌عدد
| سانپىشىمى | صيغة_رقم | صیغہ_عدد | क्रमपद्धती |
प्रारूपसङ्ख्या | रचनासंख्या | संख्या_रूप |
নম্বরবিন্যাস | ദശാംശഘടന | സംഖ്യാഘടന | 数整形 |
格式化数字 | 수형식
"""
)
"""Functions that format a number."""
