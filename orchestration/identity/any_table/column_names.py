"""What columns of person tables are usually called, by role, in the languages and systems we have met.

Only words: how a name is matched, and what the values have to say to it, is in `roles`.
"""

# Every role a column can have, as the engine's columns are called; `other` is compared as it is.
ROLES = (
    "record_id", "source", "first_name", "middle_name", "last_name", "name_suffix", "full_name", "birth_date", "gender",
    "email", "phone", "street", "city", "postal_code", "state", "country", "company_name", "job_title", "occupation",
    "birth_place", "national_id", "other",
)  # fmt: skip

# Names without separators, lower case and without accents.
USUAL = {
    "record_id": "recordid recid rowid recordnumber recordno recordkey recordnr record id uuid guid uid rid rownumber "
    "rownum rowno index idx key datensatznummer satznummer datensatzid",
    "source": "source datasource sourcesystem sourcename src system systemname origin dataset sourcedataset quelle "
    "quellsystem datenquelle sourcefile sourcetable fuente origine sourceid datasourcename sourcecode",
    "first_name": "firstname fname first given givenname givennames forename forenames firstnm namefirst christianname "
    "vorname vornamen rufname prenom prenoms nombres primernombre nombrepila primeironome voornaam voornamen fornamn "
    "fornavn imie etunimi keresztnev jmeno gname nombredepila firstgivenname gnm",
    "middle_name": "middlename middle mname middleinitial midinit middleinit mi secondname zweitname zweitervorname "
    "segundonombre secondoname middlenm namemiddle deuxiemeprenom middlenames midl midlname middleini mellemnavn",
    "last_name": "lastname lname last surname familyname family sname surnm lastnm nachname familienname zuname "
    "nomdefamille nomfamille apellido apellidos primerapellido cognome sobrenome apelido achternaam efternamn "
    "etternavn efternavn nazwisko sukunimi prijmeni namelast namefamily secondarysurname lnm famname",
    "name_suffix": "suffix namesuffix nmsuffix generation generationsuffix namesfx namesufx sfx lastnamesuffix "
    "namesuffixlbl suffixname sufx",
    "full_name": "fullname namefull completename personname customername contactname clientname membername displayname "
    "vollstaendigername vollername nomcomplet nombrecompleto nomecompleto wholename legalname patientname votername "
    "firstandsurname firstandlastname firstlast nameoriginal namestring namen kundenname ansprechpartner fullnm "
    "nameandsurname nomprenom volledigenaam guestname cardholdername subscribername leadname studentname employeename",
    "birth_date": "dob birthdate dateofbirth birthday bday geburtsdatum geburtstag gebdatum gebdat gebdt "
    "datedenaissance datenaissance naissance fechanacimiento fechadenacimiento nacimiento datadinascita datanascita "
    "datadenascimento datanascimento geboortedatum fodelsedatum fodselsdato fodselsdag dataurodzenia syntymaaika "
    "datumnarozeni birthdt dtbirth dobdate dateborn born birthyear yearofbirth yob geburtsjahr birthyr annonascita "
    "anodenacimiento anneenaissance dobdt dtofbirth datebirth birth birthdateofperson",
    "gender": "gender sex geschlecht sexo sesso sexe genre gendercode sexcode kon geslacht plec kjonn sukupuoli "
    "genero genere gendercd sexcd genderidentity",
    "email": "email emailaddress mail emailid eml mailaddress emailadresse courriel correo correoelectronico "
    "mailadresse emailaddr epost epostadress emailadres adresseemail adressemail adressmail elektronischepost mailid",
    "phone": "phone phonenumber telephone tel telefon telefono telefone telefoon telephonenumber mobile mobilephone "
    "mobilenumber mobileno cell cellphone cellnumber cellno handy handynummer handynr mobil mobiltelefon mobilnummer "
    "mobiel festnetz phoneno phonenum phonenr telno telnr telefonnummer telefonnr telnum phn msisdn contactnumber "
    "contactno movil celular portable landline fon rufnummer fullphonenumber telefonszam puhelin gsm cellulare numtel "
    "numerotelefono numerodetelefono phone1 fax telephoneno homeno",
    "house_number": "housenumber houseno housenr streetnumber streetno streetnum hausnummer hausnr hnr housenum "
    "huisnummer civico numerocivico addressnumber buildingnumber buildingno numerorue housenbr stnum",
    "street": "street streetaddress streetname address address1 addressline addressline1 addr addr1 addrline1 addrfull "
    "strasse strassenname anschrift adresse adresszeile1 adresse1 direccion domicilio indirizzo endereco rue calle via "
    "adres straat ulica gata gade vej streetline1 street1 residence line1 addressfull fulladdress fullstreetaddress "
    "streetandnumber strasseundhausnummer straat1 adress osoite morada logradouro voie addressstreet addressstreet1",
    "street_more": "address2 addressline2 addr2 addrline2 street2 apartment apt unit suite flat flatno adresszusatz "
    "adresszeile2 adresse2 addressline3 address3 addr3 addrline3 aptnumber aptno unitnumber complement complemento "
    "complementadresse streetline2 line2 direccion2 flatnumber unitno",
    "city": "city town suburb locality municipality ort stadt wohnort ville ciudad citta cidade gemeinde plaats "
    "woonplaats stad miasto cityname kommune posttown village poblacion localidad commune comune localite mesto obec "
    "postort kaupunki cityortown towncity townname place cityofresidence",
    "postal_code": "postcode postalcode zip zipcode plz postleitzahl codepostal cp cap codigopostal cep pincode postnr "
    "postnummer zip5 zipcd postalcd postalzip eircode kodpocztowy psc postinumero codpostal zippostal "
    "postalcodezip zippostalcode zippc pcode",
    "state": "state statecode province region stateprovince stateorprovince bundesland provincia estado departement "
    "statename stateabbr prov kanton canton stcd statecd uf regione territory lan wojewodztwo",
    "country": "country countrycode land nation pays pais paese countryname countryiso iso2 iso3 kraj staat landcode "
    "countrycd countryofresidence",
    "company_name": "company companyname employer employername organisation organization organisationname "
    "organizationname orgname org nameorg firma firmenname unternehmen entreprise societe empresa azienda account "
    "accountname business businessname workplace arbeitgeber corporation companynm bedrijf bedrijfsnaam foretag "
    "raisonsociale razonsocial ragionesociale placeofwork affiliation",
    "job_title": "jobtitle position jobposition jobrole stelle stellenbezeichnung designation jobfunction funktion "
    "poste cargo puesto roletitle worktitle positiontitle fonction",
    "occupation": "occupation profession beruf job trade profesion profissao professione metier ocupacion "
    "professioni beroep yrke zawod",
    "birth_place": "birthplace placeofbirth cityofbirth birthcity birthtown geburtsort lieudenaissance lieunaissance "
    "lugarnacimiento lugardenacimiento luogodinascita luogonascita pob bornin placebirth birthlocation birthplacename "
    "geboorteplaats",
    "national_id": "nationalid nationalidnumber ssn ssnnumber socialsecurity socialsecuritynumber socialsecurityno "
    "socsecid socsec socsecno ssnid taxid taxidnumber taxnumber tin passport passportnumber passportno passportnr "
    "nino nationalinsurancenumber driverslicense driverslicensenumber driverslicenseno driverlicense "
    "driverlicensenumber driverlicenseno dlnumber licensenumber cpf dni nif nie curp rfc codicefiscale steuerid "
    "steuernummer steueridnr svnr sozialversicherungsnummer ahv ahvnummer personnummer pesel bsn burgerservicenummer "
    "cpr cprnumber nhsnumber nhsno medicareid medicareno insurancenumber healthid identitynumber identityno idcard "
    "idcardnumber personalausweis aadhaar aadhar aadhaarnumber sin socialinsurancenumber numerosecuritesociale nir "
    "fiscalcode reisepass reisepassnummer fodselsnummer henkilotunnus idnumber idno nationalregistrationnumber "
    "medicarenumber",
}  # fmt: skip


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# What a column is called that holds either a whole name or one part of it; its neighbours and values decide.
NAME = _set("name names nombre nome nom naam navn namn nimi")
# Mr and Mrs, or what somebody does.
TITLE = _set("title titel titre titulo titolo role")
SALUTATION = _set("salutation anrede prefix nameprefix honorific civilite namepfx nametitle prefixname")

# Words around the one that tells: home_phone, billing_address_city, patient_dob, PRIMARY_NAME_FIRST, email_2.
QUALIFIERS = _set(
    "primary secondary home work main business contact contacts customer cust client patient member user person "
    "personal billing bill bill_to shipping ship mailing mail residential residence res resident current curr std "
    "standardized clean cleaned raw norm normalized legal original orig my p c pers emp employee voter owner buyer "
    "subscriber lead guest student addr address name alt alternate alternative preferred default perm permanent "
    "registered fake value val text txt field col nm cd code private privat geschaeftlich office daytime "
    "day evening mobile 1 2 3 4 5 formatted dotted lc uc lower upper kunde kunden applicant borrower insured "
    "beneficiary donor attendee participant holder recipient"
)
# About somebody or something else than the person of the row.
OTHERS = _set(
    "mother father parent parents spouse partner emergency kin child company employer organisation organization org "
    "manager assistant maiden nickname alias reference referrer website site domain ip"
)
# About the record and how it is handled, not about the person.
HANDLING = _set(
    "status type flag flags stage consent opt optin optout subscribed unsubscribed score count amount total balance "
    "revenue spend notes note comment comments remark remarks description campaign utm channel tier segment segments "
    "price quantity currency language lang locale timezone verified valid active deleted is has hash sha256 md5 "
    "lat latitude lon lng longitude version batch load category reason method bounced newsletter preference label"
)
# When something happened to the record.
MOMENTS = _set(
    "created updated modified inserted loaded timestamp signup registered registration login logged seen joined "
    "changed extracted snapshot expiry expires expiration effective imported synced ts at hired purchase visit "
    "activity contacted opened erstellt geaendert enrolled started ended since"
)
# Answers that somebody already has: never evidence.
ANSWERS = (
    r"(ground_?)?truth|true(_\w+)?_id|true_\w+|truth_\w+|gold(en)?(_\w+)?|cluster(_\w+)?|\w+_cluster|entity(_(id|key|no|"
    r"number|uuid))?|match(ed|es)?(_\w+)?|is_match(ed)?|(is_)?dup(e|es|licate|licated|licates)?(_\w+)?|canonical(_\w+)?|"
    r"resolved(_\w+)?|master(_\w+)?|mdm(_\w+)?|unique_person(_id)?|person(_(id|key|no|number|uuid))?|individual_"
    r"(id|key)|household(_(id|key|no))?|group(_(id|key|no))?|link(_(id|key))?|linked_(id|to|record\w*)|pair(_(id|no))?|"
    r"block(_(id|key))?|identity(_id)?|true|labels?|target|profile_id|unified(_\w+)?|same_as|survivor(_\w+)?|"
    r"(orig|original)_(rec|record)(_id)?|parent_(rec|record)(_id)?|source_of_(dup|duplicate)|ncid|voter_(reg|id)(_\w+)?"
)
